import { readNumber, widthOf } from './bits.ts'
import { CODING } from './column.ts'
import { Uses } from './column-uses.ts'
import type { HeadColumn } from './head.ts'
import { Numbers, RAW } from './number-column.ts'
import type { Bits } from './section-file.ts'

/** Values of a column: the case of each, and the bit at which its rest begins. */
export interface CaseList {
  readonly bits: Bits | undefined
  readonly count: number
  readonly cases: Uint32Array
  readonly rests: Uint32Array
}

/** The shapes of the rows of a chunk. */
export type ShapeList = Uint32Array

/** Bits of a code, at most: as many as one word has from any bit on. */
const MAX_CODE = 25

/** Reads the values of a column out of its bits. */
export class ColumnReader {
  readonly column: HeadColumn
  readonly #uses: Uses
  /** By shape: bits of a code. */
  readonly #width: Uint8Array
  /** By shape: bits of all that a row has, or -1 when rows differ. */
  readonly #rowBits: Int32Array
  /** By case, as far as cases have a rest: its bits. */
  readonly #rest: Uint16Array

  /** Throws RangeError when the column says what cannot be. */
  constructor(column: HeadColumn, shapes: number) {
    const isText = column.coding === CODING.text
    const cases = isText ? column.patterns.length + column.texts : column.cases.length
    const withRest: readonly { readonly width: number }[] = isText ? column.patterns : column.cases
    this.column = column
    this.#uses = new Uses(column.uses, shapes, cases)
    this.#rest = Uint16Array.from(withRest, ({ width }) => width)
    this.#width = new Uint8Array(shapes)
    this.#rowBits = new Int32Array(shapes)
    if (column.defaultCases > cases) throw new RangeError(`${column.defaultCases} default cases of ${cases}`)
    const { values, listAt, listLength, lists } = this.#uses
    const [defaultWidth, defaultRest] = [codeWidth(column.defaultCases), this.#restOfFirst(column.defaultCases)]
    for (let shape = 0; shape < shapes; shape++) {
      const at = listAt[shape]!
      const width = at < 0 ? defaultWidth : codeWidth(listLength[shape]!)
      const rest = at < 0 ? defaultRest : this.#restOf(lists.subarray(at, at + listLength[shape]!))
      this.#width[shape] = width
      this.#rowBits[shape] = rest < 0 ? -1 : values[shape]! * (width + rest)
    }
  }

  /** By shape: how many values a row has. */
  get values(): Uint16Array {
    return this.#uses.values
  }

  /** Bits of the rest that all of these cases have, or -1 when they differ. */
  #restOf(cases: Uint32Array): number {
    const rest = this.#rest
    const first = cases.length === 0 ? 0 : (rest[cases[0]!] ?? 0)
    for (let i = 1; i < cases.length; i++) if ((rest[cases[i]!] ?? 0) !== first) return -1
    return first
  }

  /** The same of the first `count` cases. */
  #restOfFirst(count: number): number {
    const rest = this.#rest
    const first = rest[0] ?? 0
    for (let i = 1; i < Math.min(count, rest.length); i++) if (rest[i] !== first) return -1
    return count > rest.length && first > 0 ? -1 : first
  }

  /** The values of the rows `[from, to)`, whose shapes `shapes` has from the chunk's first row on. */
  read(bits: Bits | undefined, shapes: ShapeList, from: number, to: number): CaseList {
    const { values, listAt, lists } = this.#uses
    let count = 0
    for (let row = from; row < to; row++) count += values[shapes[row]!]!
    const cases = new Uint32Array(count)
    const rests = new Uint32Array(count)
    const [width, rest] = [this.#width, this.#rest]
    let at = this.#skip(bits, shapes, from)
    const view = bits?.view
    for (let row = from, next = 0; row < to; row++) {
      const shape = shapes[row]!
      let left = values[shape]!
      if (left === 0) continue
      const codeBits = width[shape]!
      const mask = (1 << codeBits) - 1
      const list = listAt[shape]!
      for (; left > 0; left--) {
        const code = codeBits === 0 ? 0 : (view!.getUint32(at >>> 3, true) >>> (at & 7)) & mask
        const one = list < 0 ? code : lists[list + code]!
        at += codeBits
        cases[next] = one
        rests[next++] = at
        if (one < rest.length) at += rest[one]!
      }
    }
    return { bits, count, cases, rests }
  }

  /** The bit at which row `to` begins. */
  #skip(bits: Bits | undefined, shapes: ShapeList, to: number): number {
    if (!bits) return 0
    const { values, listAt, lists } = this.#uses
    const [width, rest, rowBits] = [this.#width, this.#rest, this.#rowBits]
    const { view } = bits
    let { at } = bits
    for (let row = 0; row < to; row++) {
      const shape = shapes[row]!
      const own = rowBits[shape]!
      if (own >= 0) {
        at += own
        continue
      }
      const codeBits = width[shape]!
      const list = listAt[shape]!
      for (let left = values[shape]!; left > 0; left--) {
        const code = (view.getUint32(at >>> 3, true) >>> (at & 7)) & ((1 << codeBits) - 1)
        const one = list < 0 ? code : lists[list + code]!
        at += codeBits + (one < rest.length ? rest[one]! : 0)
      }
    }
    return at
  }

  /** Sets `numbers` from `to` on to the values of a column of numbers. */
  numbers({ bits, count, cases, rests }: CaseList, numbers: Numbers, to: number): void {
    const known = this.column.cases
    const { value } = numbers
    for (let i = 0; i < count; i++) {
      const one = known[cases[i]!]
      if (!one) throw new RangeError(`case ${cases[i]} of ${known.length}`)
      const { base, unit, width } = one
      if (width === 0) value[to + i] = base
      else if (width === RAW) {
        const at = rests[i]!
        numbers.setRaw(to + i, readNumber(bits!.view, at, 32), readNumber(bits!.view, at + 32, 32))
      } else value[to + i] = base + unit * readNumber(bits!.view, rests[i]!, width)
    }
  }
}

function codeWidth(cases: number): number {
  const width = widthOf(Math.max(0, cases - 1))
  if (width > MAX_CODE) throw new RangeError(`${cases} cases`)
  return width
}
