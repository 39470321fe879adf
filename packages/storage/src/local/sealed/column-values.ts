import { decodeText, readAttribute, valueOf, type Value } from '../block/attribute.ts'
import { BackWriter } from './back-writer.ts'
import { readBits, readNumber } from './bits.ts'
import { ANY, CODING, ROLE } from './column.ts'
import type { CaseList } from './column-reader.ts'
import type { HeadColumn } from './head.ts'
import { RAW } from './number-column.ts'
import { NO_BITS, type SectionFile } from './section-file.ts'
import { TextReader } from './text-reader.ts'
import { keyValue } from './wire.ts'

const NO_KEY: Uint8Array = new Uint8Array()

/** All of a thread write with it, one after the other. */
const out = new BackWriter()

/**
 * The values of one column as filters compare them, as entries: a case without a rest is one, however often it is there; every value with a rest is one of
 * its own.
 */
export class ColumnEntries {
  readonly #texts: TextReader
  readonly #column: HeadColumn
  /** By case: its entry; -1: it has a rest. */
  readonly #entryOf: Int32Array
  /** By entry, as far as it is a case. */
  readonly #cases: number[] = []
  readonly #lists: { readonly list: CaseList; readonly index: number }[] = []

  constructor(file: SectionFile, column: HeadColumn) {
    const { coding, patterns, texts, cases } = column
    this.#texts = new TextReader(file, column)
    this.#column = column
    const count = coding === CODING.text ? patterns.length + texts : cases.length
    this.#entryOf = new Int32Array(count)
    for (let one = 0; one < count; one++) {
      const width = coding === CODING.text ? (patterns[one]?.width ?? -1) : cases[one]!.width
      const hasRest = coding === CODING.text ? width >= 0 : width > 0
      this.#entryOf[one] = hasRest ? -1 : this.#cases.push(one) - 1
    }
  }

  get size(): number {
    return this.#cases.length + this.#lists.length
  }

  /** The entry of a value. */
  entry(list: CaseList, index: number): number {
    const entry = this.#entryOf[list.cases[index]!]
    if (entry === undefined) throw new RangeError(`case ${list.cases[index]} of ${this.#entryOf.length}`)
    return entry >= 0 ? entry : this.#cases.length + this.#lists.push({ list, index }) - 1
  }

  /** The bytes of a text, as `AnyValue`, `KeyValue` or whatever the column has. */
  bytes(entry: number): Uint8Array {
    const own = this.#lists[entry - this.#cases.length]
    const number = own ? own.list.cases[own.index]! : this.#cases[entry]!
    out.clear()
    this.#texts.write(number, own?.list.bits ?? NO_BITS, own ? own.list.rests[own.index]! : 0, out)
    return out.take()
  }

  /** The value of a scalar attribute. */
  value(entry: number): Value {
    const { coding, type } = this.#column
    if (coding === CODING.text) {
      const bytes = this.bytes(entry)
      return type === ANY.bytes ? Buffer.from(bytes).toString('base64') : decodeText(bytes, 0, bytes.length)
    }
    return coding === CODING.double ? this.#double(entry) : this.#integer(entry)
  }

  /** The value of any other, or undefined when it is malformed. */
  anyValue(entry: number): Value | undefined {
    const bytes = keyValue(NO_KEY, this.bytes(entry))
    const attribute = readAttribute(bytes, 0, bytes.length)
    return attribute && valueOf(attribute.value)
  }

  #integer(entry: number): Value {
    const own = this.#lists[entry - this.#cases.length]
    const { base, unit, width } = this.#column.cases[own ? own.list.cases[own.index]! : this.#cases[entry]!]!
    if (width === RAW && own) {
      const { view } = own.list.bits
      const at = own.list.rests[own.index]!
      return BigInt.asIntN(64, (BigInt(readBits(view, at + 32, 32)) << 32n) | BigInt(readBits(view, at, 32)))
    }
    const value = own ? base + unit * readNumber(own.list.bits.view, own.list.rests[own.index]!, width) : base
    return this.#column.type === ANY.bool ? String(value === 1) : BigInt(value)
  }

  #double(entry: number): number {
    const own = this.#lists[entry - this.#cases.length]
    const { high, base, unit, width } = this.#column.cases[own ? own.list.cases[own.index]! : this.#cases[entry]!]!
    const rest = own ? base + unit * readNumber(own.list.bits.view, own.list.rests[own.index]!, width) : base
    double.setUint32(4, (high << 20) | Math.floor(rest / 2 ** 32), true)
    double.setUint32(0, rest, true)
    return double.getFloat64(0, true)
  }

  /** Whether a value may be malformed, and has to be read to know. */
  get isChecked(): boolean {
    return this.#column.role !== ROLE.field && !(this.#column.role === ROLE.attribute && this.#column.type !== 0)
  }
}

const double = new DataView(new ArrayBuffer(8))
