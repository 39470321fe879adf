/** Where the values of certain attributes are in the bytes of spans: for what looks at a few attributes of each span and decodes none. */
import type { AttributeVisitor } from './scan.ts'
import { utf8Bytes } from './text.ts'
import { LENGTH, next, readTag, skipField } from './wire.ts'

/** Sees the attributes of spans while these are scanned, and keeps those of the last scan. */
export class AttributeFinder implements AttributeVisitor {
  /** The number of keys. */
  readonly size: number
  /** For each row as many as there are keys, in their order: the bytes of the `AnyValue`; -1 where the span has no such attribute. */
  start = new Int32Array(0)
  end = new Int32Array(0)
  readonly #keys: readonly Uint8Array[]
  /** 1 for each length below 128 that a key has. */
  readonly #lengths = new Uint8Array(128)

  constructor(keys: readonly string[]) {
    this.#keys = keys.map(utf8Bytes)
    for (const { length } of this.#keys) if (length < 128) this.#lengths[length] = 1
    this.size = keys.length
  }

  /** Before each scan: of so many spans at most. */
  begin(rows: number): void {
    const slots = rows * this.size
    if (slots > this.start.length) {
      this.start = new Int32Array(slots)
      this.end = new Int32Array(slots)
    }
    this.start.fill(-1, 0, slots)
  }

  /**
   * Where a key comes twice the first counts. An attribute that is not in the plain form, key and then value, is found as the whole `KeyValue`.
   */
  attribute(bytes: Uint8Array, start: number, end: number, row: number, level: number): void {
    if (level === 0) this.#look(bytes, start, end, row * this.size)
  }

  /** Most attributes are short, in the plain form, and not wanted, as no wanted key is as long as theirs. */
  #look(bytes: Uint8Array, start: number, end: number, first: number): void {
    const length = bytes[start + 1]!
    const keyEnd = start + 2 + length
    const value = keyEnd + 2
    const isPlain = bytes[start] === 0x0a && length < 128 && value <= end && bytes[keyEnd] === 0x12
    if (!isPlain || value + bytes[keyEnd + 1]! !== end || bytes[keyEnd + 1]! > 127) {
      this.#lookAnyhow(bytes, start, end, first)
      return
    }
    if (this.#lengths[length] === 0) return
    const key = this.#indexOf(bytes, start + 2, keyEnd)
    const at = first + key
    if (key < 0 || this.start[at]! >= 0) return
    this.start[at] = value
    this.end[at] = end
  }

  #lookAnyhow(bytes: Uint8Array, start: number, end: number, first: number): void {
    let keyStart = start
    let keyEnd = start
    let valueStart = start
    let fields = 0
    let isPlain = true
    for (let p = start; p < end; fields++) {
      const tag = readTag(bytes, p, end)
      p = skipField(bytes, next, end, tag, 0)
      if (tag !== (fields === 0 ? 0x0a : 0x12) || fields > 1) isPlain = false
      if (tag === 0x12) valueStart = next
      if (tag !== 0x0a) continue
      keyStart = next
      keyEnd = p
    }
    const key = this.#indexOf(bytes, keyStart, keyEnd)
    const at = first + key
    if (key < 0 || this.start[at]! >= 0) return
    this.start[at] = isPlain && fields === 2 ? valueStart : start
    this.end[at] = end
  }

  #indexOf(bytes: Uint8Array, start: number, end: number): number {
    const keys = this.#keys
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!
      const length = key.length
      if (end - start !== length) continue
      // Keys of one length often begin alike, as `http.method` and `http.target`: from their ends they differ sooner.
      let j = length - 1
      while (j >= 0 && bytes[start + j] === key[j]) j--
      if (j < 0) return i
    }
    return -1
  }
}

/** Where the content of a length-delimited field is; all of `[p, end)` where it is not there once. Throws {@link OtlpError} where that is no message. */
export function rangeOf(bytes: Uint8Array, p: number, end: number, field: number): readonly [number, number] {
  const whole = [p, end] as const
  let found: readonly [number, number] | undefined
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = skipField(bytes, next, end, tag, 0)
    if (tag !== ((field << 3) | LENGTH)) continue
    if (found) return whole
    found = [next, p]
  }
  return found ?? whole
}
