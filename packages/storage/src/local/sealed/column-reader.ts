import { readBits, readNumber, widthOf } from './bits.ts'
import { CODING } from './column.ts'
import { Uses } from './column-uses.ts'
import type { HeadColumn } from './head.ts'
import { RAW, type Numbers } from './number-column.ts'
import { NO_BITS, type Bits } from './section-file.ts'

/** Values of a column: the case of each, and the bit at which its rest begins. */
export interface CaseList {
  readonly bits: Bits
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
  /** By case, as far as cases have a rest: its bits. */
  readonly #rest: Uint16Array

  #varyingValues: Uint16Array | undefined
  /** By case of numbers. */
  #numbers: { readonly base: Float64Array; readonly unit: Float64Array } | undefined

  /** Throws RangeError when the column says what cannot be. */
  constructor(column: HeadColumn, shapes: number) {
    const isText = column.coding === CODING.text
    const cases = isText ? column.patterns.length + column.texts : column.cases.length
    const withRest: readonly { readonly width: number }[] = isText ? column.patterns : column.cases
    this.column = column
    this.#uses = new Uses(column.uses, shapes, cases)
    this.#rest = new Uint16Array(withRest.length)
    for (let i = 0; i < withRest.length; i++) this.#rest[i] = withRest[i]!.width
    if (column.defaultCases > cases) throw new RangeError(`${column.defaultCases} default cases of ${cases}`)
    const { values, listAt, listLength, lists, count, width, rowBits } = this.#uses
    const [defaultWidth, defaultRest] = [codeWidth(column.defaultCases), this.#restOfFirst(column.defaultCases)]
    for (let use = 1; use < count; use++) {
      const at = listAt[use]!
      const bits = at < 0 ? defaultWidth : codeWidth(listLength[use]!)
      const rest = at < 0 ? defaultRest : this.#restOf(lists, at, at + listLength[use]!)
      width[use] = bits
      rowBits[use] = rest < 0 ? -1 : values[use]! * (bits + rest)
    }
  }

  /** How many values a row of a shape has. */
  valuesOf(shape: number): number {
    return this.#uses.values[this.#uses.of[shape]!]!
  }

  /** The case of all values of a shape's rows, where it is one and has no rest; else -1. */
  constantOf(shape: number): number {
    const use = this.#uses.of[shape]!
    if (use === 0 || this.#uses.rowBits[use] !== 0) return -1
    const at = this.#uses.listAt[use]!
    return at < 0 ? 0 : this.#uses.lists[at]!
  }

  /** Whether some rows have several values. */
  get isMany(): boolean {
    return this.#uses.values.some((values) => values > 1)
  }

  /** Bits of the rest that all cases of a list have, or -1 when they differ. */
  #restOf(lists: Uint16Array | Uint32Array, from: number, to: number): number {
    const rest = this.#rest
    if (rest.length === 0 || from === to) return 0
    const first = rest[lists[from]!] ?? 0
    for (let i = from + 1; i < to; i++) if ((rest[lists[i]!] ?? 0) !== first) return -1
    return first
  }

  /** The same of the first `count` cases. */
  #restOfFirst(count: number): number {
    const rest = this.#rest
    const first = rest[0] ?? 0
    for (let i = 1; i < Math.min(count, rest.length); i++) if (rest[i] !== first) return -1
    return count > rest.length && first > 0 ? -1 : first
  }

  /**
   * The values of the rows `[from, to)`, whose shapes `shapes` has from the chunk's first row on. `varying`: without those of shapes that have a
   * {@link constantOf}.
   */
  read(bits: Bits, shapes: ShapeList, from: number, to: number, varying = false): CaseList {
    const { of, listAt, lists } = this.#uses
    const values = varying ? this.#varying() : this.#uses.values
    let count = 0
    for (let row = from; row < to; row++) count += values[of[shapes[row]!]!]!
    const cases = new Uint32Array(count)
    const rests = new Uint32Array(count)
    const { width } = this.#uses
    const rest = this.#rest
    let at = this.#skip(bits, shapes, from)
    const { view } = bits
    for (let row = from, next = 0; row < to; row++) {
      const use = of[shapes[row]!]!
      let left = values[use]!
      if (left === 0) continue
      const codeBits = width[use]!
      const mask = (1 << codeBits) - 1
      const list = listAt[use]!
      for (; left > 0; left--) {
        const code = codeBits === 0 ? 0 : (view.getUint32(at >>> 3, true) >>> (at & 7)) & mask
        const one = list < 0 ? code : lists[list + code]!
        at += codeBits
        cases[next] = one
        rests[next++] = at
        if (one < rest.length) at += rest[one]!
      }
    }
    return { bits, count, cases, rests }
  }

  /** Reads the values one after the other, which is faster where only some rows have any. */
  cursor(): ColumnCursor {
    return new ColumnCursor(this.#uses, this.#rest)
  }

  /** By use: how many values a row has that are not always the same. */
  #varying(): Uint16Array {
    return (this.#varyingValues ??= this.#uses.values.map((values, use) =>
      this.#uses.rowBits[use] === 0 ? 0 : values,
    ))
  }

  /** The bit at which row `to` begins. */
  #skip(bits: Bits, shapes: ShapeList, to: number): number {
    if (bits === NO_BITS) return 0
    const { of, values, listAt, lists, width, rowBits } = this.#uses
    const rest = this.#rest
    const { view } = bits
    let { at } = bits
    for (let row = 0; row < to; row++) {
      const use = of[shapes[row]!]!
      const own = rowBits[use]!
      if (own >= 0) {
        at += own
        continue
      }
      const codeBits = width[use]!
      const list = listAt[use]!
      for (let left = values[use]!; left > 0; left--) {
        const code = (view.getUint32(at >>> 3, true) >>> (at & 7)) & ((1 << codeBits) - 1)
        const one = list < 0 ? code : lists[list + code]!
        at += codeBits + (one < rest.length ? rest[one]! : 0)
      }
    }
    return at
  }

  /** The same as numbers, put into `numbers` from `next` on. */
  readNumbers(bits: Bits, shapes: ShapeList, from: number, to: number, numbers: Numbers, next: number): void {
    const { of, values, listAt, lists, width } = this.#uses
    const rest = this.#rest
    const { base, unit } = (this.#numbers ??= numbersOf(this.column))
    const out = numbers.value
    const { view } = bits
    let at = this.#skip(bits, shapes, from)
    let index = next
    for (let row = from; row < to; row++) {
      const use = of[shapes[row]!]!
      const codeBits = width[use]!
      const list = listAt[use]!
      for (let left = values[use]!; left > 0; left--) {
        const code = codeBits === 0 ? 0 : (view.getUint32(at >>> 3, true) >>> (at & 7)) & ((1 << codeBits) - 1)
        const one = list < 0 ? code : lists[list + code]!
        at += codeBits
        if (one >= rest.length) throw new RangeError(`case ${one} of ${rest.length}`)
        const restBits = rest[one]!
        if (restBits === 0) out[index] = base[one]!
        else if (restBits === RAW) numbers.setRaw(index, readBits(view, at, 32), readBits(view, at + 32, 32))
        else out[index] = base[one]! + unit[one]! * readNumber(view, at, restBits)
        at += restBits
        index++
      }
    }
  }
}

/** Goes through the values of a column in the order of the rows, without those of shapes that have a {@link ColumnReader.constantOf}. */
export class ColumnCursor {
  /** Of the value that was read last: its case, and the bit at which its rest begins. */
  one = 0
  restAt = 0
  bits = NO_BITS
  readonly #uses: Uses
  readonly #rest: Uint16Array
  #view = NO_BITS.view
  #at = 0

  constructor(uses: Uses, rest: Uint16Array) {
    this.#uses = uses
    this.#rest = rest
  }

  /** Begins with the first value that these bits have. */
  begin(bits: Bits): void {
    this.bits = bits
    this.#view = bits.view
    this.#at = bits.at
  }

  /** Reads the next value, which is in a row of this shape. */
  next(shape: number): void {
    const { of, listAt, lists, width } = this.#uses
    const use = of[shape]!
    const codeBits = width[use]!
    const list = listAt[use]!
    const at = this.#at
    const code = codeBits === 0 ? 0 : (this.#view.getUint32(at >>> 3, true) >>> (at & 7)) & ((1 << codeBits) - 1)
    const one = list < 0 ? code : lists[list + code]!
    const restAt = at + codeBits
    this.one = one
    this.restAt = restAt
    this.#at = one < this.#rest.length ? restAt + this.#rest[one]! : restAt
  }
}

function numbersOf({ cases }: HeadColumn): { readonly base: Float64Array; readonly unit: Float64Array } {
  return { base: Float64Array.from(cases, ({ base }) => base), unit: Float64Array.from(cases, ({ unit }) => unit) }
}

function codeWidth(cases: number): number {
  const width = widthOf(Math.max(0, cases - 1))
  if (width > MAX_CODE) throw new RangeError(`${cases} cases`)
  return width
}
