import { readBits, readNumber } from './bits.ts'
import type { BackWriter } from './back-writer.ts'
import type { HeadColumn } from './head.ts'
import { HOLE } from './pattern.ts'
import type { Bits, SectionFile, TextPage } from './section-file.ts'

const ZERO = 0x30
const NO_PAGE: TextPage = { first: 0, bytes: new Uint8Array(), start: 0, ends: new Uint32Array() }

/** Writes the texts of a column. */
export class TextReader {
  readonly #file: SectionFile
  readonly #column: HeadColumn
  /** The one that the last text was on. */
  #page = NO_PAGE

  constructor(file: SectionFile, column: HeadColumn) {
    this.#file = file
    this.#column = column
  }

  /** Writes the text of a case in front of what is written, with the numbers of its rest, at bit `rest`, in the holes. */
  write(number: number, bits: Bits, rest: number, out: BackWriter): void {
    const { firstText, patterns, texts } = this.#column
    if (number >= patterns.length + texts) throw new RangeError(`text ${number} of a column that has less`)
    const text = firstText + number
    let page = this.#page
    if (text < page.first || text >= page.first + page.ends.length) page = this.#page = this.#file.page(text)
    const index = text - page.first
    const { bytes, ends } = page
    const end = ends[index]
    if (end === undefined) throw new RangeError(`text ${text} is on no page`)
    let start = index === 0 ? page.start : ends[index - 1]!
    while (bytes[start++]! > 127);
    if (number >= patterns.length) out.range(bytes, start, end)
    else this.#writePattern(number, bytes, start, end, bits, rest, out)
  }

  #writePattern(
    number: number,
    text: Uint8Array,
    start: number,
    end: number,
    { view }: Bits,
    rest: number,
    out: BackWriter,
  ): void {
    const { holes, width: bits } = this.#column.patterns[number]!
    let at = rest + bits
    let p = end
    for (let i = holes.length - 1; i >= 0; i--) {
      const { kind, digits, min, width } = holes[i]!
      const after = p
      // The mark of a hole has the three bytes 0, kind, digits.
      while (p > start && text[p - 1] !== 0) p--
      out.range(text, p + 2, after)
      p--
      if (p < start) throw new RangeError('a pattern without its hole')
      at -= width
      if (kind === HOLE.decimal) out.decimal(min + readNumber(view, at, width), digits)
      else {
        const size = kind === HOLE.hex ? 4 : 8
        for (let k = digits - 1; k >= 0; k--) {
          const value = readBits(view, at + size * k, size)
          out.byte(kind === HOLE.bytes ? value : value < 10 ? ZERO + value : 0x57 + value)
        }
      }
    }
    out.range(text, start, p)
  }
}
