import type { SpanColumns } from '@spoor/otlp'
import { UNKNOWN_SERVICE } from '@spoor/trace'
import { decodeText } from '../block/attribute.ts'
import { hashBytes, hashWords, viewOf } from '../block/hash.ts'
import type { OperationKey } from '../block/rows.ts'

/** Numbers the distinct operations. */
export class Operations {
  readonly operation: Uint32Array
  readonly operations: OperationKey[] = []
  readonly names: Uint8Array[] = []
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #columns: SpanColumns
  /** By operation: its service, and where its name is. */
  readonly #serviceOf: number[] = []
  readonly #nameAt: number[] = []
  readonly #services = new Map<string, number>()
  /** By hash, the last one with it; and by operation, the one before with the same. */
  readonly #numbers = new Map<number, number>()
  readonly #before: number[] = []
  #serviceStart = -1
  #service = 0

  constructor(bytes: Uint8Array, columns: SpanColumns) {
    this.operation = new Uint32Array(columns.count)
    this.#bytes = bytes
    this.#view = viewOf(bytes)
    this.#columns = columns
  }

  /** Puts the operation of each of the spans `[from, to)` of `rows`. */
  number(rows: Uint32Array, from: number, to: number): void {
    const { operation } = this
    const { serviceStart } = this.#columns
    for (let i = from; i < to; i++) {
      const row = rows[i]!
      if (serviceStart[row] !== this.#serviceStart) this.#enter(row)
      operation[row] = this.#numberOf(row)
    }
  }

  #enter(row: number): void {
    const start = this.#columns.serviceStart[row]!
    const key = Buffer.from(
      this.#bytes.buffer,
      this.#bytes.byteOffset + start,
      this.#columns.serviceEnd[row]! - start,
    ).toString('latin1')
    this.#serviceStart = start
    this.#service = this.#services.get(key) ?? this.#services.size
    this.#services.set(key, this.#service)
  }

  #numberOf(row: number): number {
    const { nameStart, nameEnd, kind } = this.#columns
    const start = nameStart[row]!
    const length = nameEnd[row]! - start
    const own = kind[row]!
    const hash = hashWords(this.#service, hashBytes(this.#view, start, start + length), own, 0)
    const newest = this.#numbers.get(hash) ?? -1
    let number = newest
    while (number >= 0 && !this.#isOperation(number, start, length, own)) number = this.#before[number]!
    return number < 0 ? this.#add(row, hash, newest) : number
  }

  #isOperation(number: number, start: number, length: number, kind: number): boolean {
    return (
      this.operations[number]!.kind === kind &&
      this.#serviceOf[number] === this.#service &&
      this.names[number]!.length === length &&
      isSame(this.#view, this.#nameAt[number]!, start, length)
    )
  }

  #add(row: number, hash: number, before: number): number {
    const bytes = this.#bytes
    const { serviceStart, serviceEnd, nameStart, nameEnd, kind } = this.#columns
    const service = decodeText(bytes, serviceStart[row]!, serviceEnd[row]!) || UNKNOWN_SERVICE
    const name = decodeText(bytes, nameStart[row]!, nameEnd[row]!)
    const number = this.operations.push({ service, name, kind: kind[row]! }) - 1
    this.names.push(bytes.slice(nameStart[row], nameEnd[row]))
    this.#serviceOf.push(this.#service)
    this.#nameAt.push(nameStart[row]!)
    this.#before.push(before)
    this.#numbers.set(hash, number)
    return number
  }
}

function isSame(view: DataView, a: number, b: number, length: number): boolean {
  let i = 0
  for (; i + 4 <= length; i += 4) if (view.getInt32(a + i, true) !== view.getInt32(b + i, true)) return false
  for (; i < length; i++) if (view.getUint8(a + i) !== view.getUint8(b + i)) return false
  return true
}
