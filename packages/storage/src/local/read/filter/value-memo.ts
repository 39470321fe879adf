import { readAttribute, valueOf, type Value } from '../../block/attribute.ts'
import { hashBytes } from '../../block/hash.ts'

/** Values that are remembered, and bytes beyond which one is not. */
const MAX_VALUES = 1 << 14
const MAX_BYTES = 256

interface Known {
  readonly bytes: Uint8Array
  readonly answer: number
}

/** What is to be said of a value, remembered by the bytes of its attribute: most attributes have few values, and decoding costs more than this. */
export class ValueMemo {
  readonly #known = new Map<number, Known>()
  readonly #ask: (value: Value, key: string) => number

  constructor(ask: (value: Value, key: string) => number) {
    this.#ask = ask
  }

  /** Of a serialized `KeyValue`; `view` is of the same bytes. 0 for one that is malformed. */
  of(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    if (end - start > MAX_BYTES) return this.#decode(bytes, start, end)
    const hash = hashBytes(view, start, end)
    const known = this.#known.get(hash)
    if (known && isSame(known.bytes, bytes, start, end)) return known.answer
    const answer = this.#decode(bytes, start, end)
    if (known) return answer
    if (this.#known.size >= MAX_VALUES) this.#known.clear()
    this.#known.set(hash, { bytes: bytes.slice(start, end), answer })
    return answer
  }

  #decode(bytes: Uint8Array, start: number, end: number): number {
    const attribute = readAttribute(bytes, start, end)
    return attribute ? this.#ask(valueOf(attribute.value), attribute.key) : 0
  }
}

function isSame(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false
  return true
}
