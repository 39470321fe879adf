import type { BackWriter } from './back-writer.ts'
import { readBits, readNumber } from './bits.ts'
import { CODING, ROLE } from './column.ts'
import type { HeadColumn } from './head.ts'
import { RAW } from './number-column.ts'
import type { Bits, SectionFile } from './section-file.ts'
import { TextReader } from './text-reader.ts'

const WORD = 2 ** 32

/** Writes values of a column as the fields that they were. */
export class ValueWriter {
  readonly column: HeadColumn
  readonly #text: TextReader
  readonly #out: BackWriter

  constructor(file: SectionFile, column: HeadColumn, out: BackWriter) {
    this.column = column
    this.#text = new TextReader(file, column)
    this.#out = out
  }

  /** Writes a value in front of what is written: its case, with its rest at bit `rest`; with tag and length. */
  write(tag: number, number: number, bits: Bits, rest: number): void {
    const { role, name } = this.column
    const out = this.#out
    const { length: before } = out
    switch (role) {
      case ROLE.attribute:
        this.#any(number, bits, rest)
        out.varint(out.length - before)
        out.byte(0x12)
        out.range(name)
        out.varint(name.length)
        out.byte(0x0a)
        break
      case ROLE.varint:
        this.#varint(number, bits, rest)
        out.varint(tag)
        return
      case ROLE.own:
        this.#text.write(number, bits, rest, out)
        return
      case ROLE.fixed:
        this.#text.write(number, bits, rest, out)
        out.varint(tag)
        return
      default:
        this.#text.write(number, bits, rest, out)
    }
    out.varint(out.length - before)
    out.varint(tag)
  }

  /** An `AnyValue`. */
  #any(number: number, bits: Bits, rest: number): void {
    const { coding, type, cases } = this.column
    const out = this.#out
    if (coding === CODING.text) {
      const { length: before } = out
      this.#text.write(number, bits, rest, out)
      if (type === 0) return
      out.varint(out.length - before)
    } else if (coding === CODING.double) {
      const low = this.number(number, bits, rest)
      out.words(low, (cases[number]!.high << 20) | Math.floor(low / WORD))
    } else this.#varint(number, bits, rest)
    out.byte(type)
  }

  #varint(number: number, bits: Bits, rest: number): void {
    if (this.column.cases[number]!.width !== RAW) this.#out.varint(this.number(number, bits, rest))
    else this.#out.varint64(readBits(bits.view, rest, 32), readBits(bits.view, rest + 32, 32))
  }

  /** A number below 2^53. */
  number(number: number, bits: Bits, rest: number): number {
    const { base, unit, width } = this.column.cases[number]!
    return width === 0 ? base : base + unit * readNumber(bits.view, rest, width)
  }
}
