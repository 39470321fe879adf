import { readBits, readNumber } from './bits.ts'
import type { BackWriter } from './back-writer.ts'
import type { HeadColumn } from './head.ts'
import { HOLE } from './pattern.ts'
import type { Bits, SectionFile } from './section-file.ts'

const ZERO = 0x30

/** Writes a text of a column, before what is written: its case's, with the numbers of its rest in the holes. */
export function writeText(
  file: SectionFile,
  column: HeadColumn,
  number: number,
  bits: Bits | undefined,
  rest: number,
  out: BackWriter,
): void {
  const text = file.text(column.firstText + number)
  const pattern = column.patterns[number]
  if (!pattern) {
    if (number >= column.patterns.length + column.texts) throw new RangeError(`text ${number} of a column that has less`)
    out.range(text)
    return
  }
  let end = text.length
  let at = rest + pattern.width
  for (let i = pattern.holes.length - 1; i >= 0; i--) {
    const { kind, digits, min, width } = pattern.holes[i]!
    let start = end - 3
    while (start >= 0 && text[start] !== 0) start--
    if (start < 0) throw new RangeError('a pattern without its hole')
    out.range(text, start + 3, end)
    end = start
    at -= width
    if (kind === HOLE.decimal) writeDecimal(out, min + readNumber(bits!.view, at, width), digits)
    else {
      const size = kind === HOLE.hex ? 4 : 8
      for (let k = digits - 1; k >= 0; k--) {
        const value = readBits(bits!.view, at + size * k, size)
        out.byte(kind === HOLE.bytes ? value : value < 10 ? ZERO + value : 0x57 + value)
      }
    }
  }
  out.range(text, 0, end)
}

function writeDecimal(out: BackWriter, value: number, digits: number): void {
  let left = value
  for (let i = 0; i < digits; i++) {
    const rest = Math.floor(left / 10)
    out.byte(ZERO + left - 10 * rest)
    left = rest
  }
}
