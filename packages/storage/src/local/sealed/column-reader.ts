import { readBits, readNumber, widthOf } from './bits.ts'
import { CODING } from './column.ts'
import { readUses, type HeadColumn } from './head.ts'
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

/** Reads the values of a column out of its bits. */
export class ColumnReader {
  readonly column: HeadColumn
  /** By shape: how many values a row has. */
  readonly values: Uint16Array
  /** By shape: bits of a code. */
  readonly #width: Uint8Array
  /** By shape: bits of all that a row has, or -1 when that differs. */
  readonly #rowBits: Int32Array
  /** By shape: the cases that its codes stand for. */
  readonly #cases: (Uint32Array | undefined)[]
  /** By case, as far as cases have a rest: its bits. */
  readonly #rest: Uint16Array

  /** Throws RangeError when the column says what cannot be. */
  constructor(column: HeadColumn, shapes: number) {
    this.column = column
    this.values = new Uint16Array(shapes)
    this.#width = new Uint8Array(shapes)
    this.#rowBits = new Int32Array(shapes)
    this.#cases = Array.from({ length: shapes }, () => undefined)
    const cases: readonly { readonly width: number }[] = column.coding === CODING.text ? column.patterns : column.cases
    this.#rest = Uint16Array.from(cases, ({ width }) => width)
    const defaultWidth = widthOf(Math.max(0, column.defaultCases - 1))
    const defaultRest = this.#uniformRest(column.defaultCases, (i) => i)
    for (const { shape, values, cases } of readUses(column.uses)) {
      if (shape >= shapes) throw new RangeError(`shape ${shape} of ${shapes}`)
      const width = cases ? widthOf(Math.max(0, cases.length - 1)) : defaultWidth
      const rest = cases ? this.#uniformRest(cases.length, (i) => cases[i]!) : defaultRest
      this.values[shape] = values
      this.#width[shape] = width
      this.#cases[shape] = cases
      this.#rowBits[shape] = rest < 0 ? -1 : values * (width + rest)
    }
  }

  #uniformRest(count: number, caseAt: (i: number) => number): number {
    const rest = this.#rest
    const first = count === 0 ? 0 : (rest[caseAt(0)] ?? 0)
    for (let i = 1; i < count; i++) if ((rest[caseAt(i)] ?? 0) !== first) return -1
    return first
  }

  /** The values of the rows `[from, to)`, whose shapes `shapes` has from the chunk's first row on. */
  read(bits: Bits | undefined, shapes: ShapeList, from: number, to: number): CaseList {
    let count = 0
    for (let row = from; row < to; row++) count += this.values[shapes[row]!]!
    const cases = new Uint32Array(count)
    const rests = new Uint32Array(count)
    let at = this.#skip(bits, shapes, from)
    let next = 0
    for (let row = from; row < to; row++) {
      const shape = shapes[row]!
      for (let left = this.values[shape]!; left > 0; left--) {
        const code = bits ? readBits(bits.view, at, this.#width[shape]!) : 0
        const list = this.#cases[shape]
        const one = list ? list[code]! : code
        cases[next] = one
        at += this.#width[shape]!
        rests[next++] = at
        if (one < this.#rest.length) at += this.#rest[one]!
      }
    }
    return { bits, count, cases, rests }
  }

  /** The bit at which row `to` begins. */
  #skip(bits: Bits | undefined, shapes: ShapeList, to: number): number {
    if (!bits) return 0
    let { at } = bits
    for (let row = 0; row < to; row++) {
      const shape = shapes[row]!
      const rowBits = this.#rowBits[shape]!
      if (rowBits >= 0) {
        at += rowBits
        continue
      }
      const list = this.#cases[shape]
      for (let left = this.values[shape]!; left > 0; left--) {
        const code = readBits(bits.view, at, this.#width[shape]!)
        const one = list ? list[code]! : code
        at += this.#width[shape]! + (one < this.#rest.length ? this.#rest[one]! : 0)
      }
    }
    return at
  }

  /** Sets `numbers` from `to` on to the values of a column of numbers. */
  numbers({ bits, count, cases, rests }: CaseList, numbers: Numbers, to: number): void {
    const known = this.column.cases
    for (let i = 0; i < count; i++) {
      const one = known[cases[i]!]
      if (!one) throw new RangeError(`case ${cases[i]} of ${known.length}`)
      if (one.width === RAW) {
        const at = rests[i]!
        numbers.setRaw(to + i, readBits(bits!.view, at, 32), readBits(bits!.view, at + 32, 32))
      } else if (one.width === 0) numbers.value[to + i] = one.base
      else numbers.value[to + i] = one.base + one.unit * readNumber(bits!.view, rests[i]!, one.width)
    }
  }
}
