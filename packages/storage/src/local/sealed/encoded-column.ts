import { BitWriter, widthOf } from './bits.ts'
import { CODING, codingOf, ROLE, type Coding, type ColumnName } from './column.ts'
import type { Entries } from './entries.ts'
import { RAW, sizeCase, sizeOf, SIZES, UNITS, type NumberCase, type Numbers } from './number-column.ts'
import type { TextCases, TextCoder } from './text-cases.ts'

/**
 * How the values of a column are written in the rows of one shape: a code of `width` bits, which names one of `cases`, then the rest that the
 * case has.
 */
export interface Layout {
  readonly width: number
  /** Cases of the column, ascending; undefined: its default cases, all of them. */
  readonly cases: Uint32Array | undefined
}

/** Rows of a shape, below which it takes the column's own layout. */
const MIN_ROWS = 8
/** Bits that a layout costs besides its cases. */
const LAYOUT_BITS = 40
/** Different values of a number beyond which they are not listed. */
const MAX_LISTED = 1 << 12

/** A column that is being written: its cases, how each shape uses them, and the bits of the rows. */
export class EncodedColumn {
  readonly name: ColumnName
  readonly coding: Coding
  readonly writer = new BitWriter()
  /** Of numbers and doubles. */
  readonly cases: NumberCase[] = []
  text: TextCases | undefined
  /** Cases of the layout that shapes have without one of their own. */
  defaultCases = 0
  /** The layouts that differ from it. */
  readonly layouts: { readonly shape: number; readonly layout: Layout }[] = []
  /** Values, with repetitions. */
  uses = 0
  #default: Layout = { width: 0, cases: undefined }
  #numbers: Numbers | undefined
  #coder: TextCoder | undefined
  /** By index of {@link #numbers}, of what is listed. */
  #caseOf: Uint32Array | undefined
  #caseOfSize: Int32Array | undefined
  /** By case, while one shape is planned: its code there, and for which shape that was. */
  #local = new Uint32Array(0)
  #stamp = new Uint32Array(0)
  #plans = 0
  /** What {@link write} needs of each case, in one piece: the bits of its rest, of texts as far as they are patterns, and of numbers base and unit. */
  #rests: Uint16Array | undefined
  #bases: Float64Array | undefined
  #units: Float64Array | undefined

  constructor(name: ColumnName) {
    this.name = name
    this.coding = codingOf(name)
  }

  setTexts(text: TextCases, coder: TextCoder): void {
    this.text = text
    this.#coder = coder
    this.#caseOf = coder.entryCase
    this.#setDefault(text.patterns.length + text.texts.length)
  }

  /** Each value from 0 to `count` - 1 is a case. */
  setIdentity(numbers: Numbers, count: number): void {
    this.#numbers = numbers
    this.#caseOf = Uint32Array.from(numbers.value)
    for (let i = 0; i < count; i++) this.cases.push({ base: i, unit: 1, width: 0, high: 0 })
    this.#setDefault(count)
  }

  /** Numbers of all sizes. `members`: indexes into `numbers`, undefined: all of them. */
  setSizes(numbers: Numbers, count: number, members?: Uint32Array): void {
    this.#numbers = numbers
    const present = new Uint8Array(SIZES)
    for (let i = 0; i < count; i++) present[sizeOf(numbers.value[members ? members[i]! : i]!)] = 1
    this.#caseOfSize = new Int32Array(SIZES)
    for (let size = 0; size < SIZES; size++) {
      if (present[size]) this.#caseOfSize[size] = this.cases.push(sizeCase(size)) - 1
    }
    this.#setDefault(this.cases.length)
  }

  /** Distinct numbers, `members` of the entries. `caseOf`: room for the case of each. */
  setEntries(numbers: Numbers, members: Uint32Array, entries: Entries, caseOf: Uint32Array): void {
    const { value, high } = numbers
    const valueBits = this.coding === CODING.double ? 40 : 20
    let listed = this.uses * widthOf(members.length - 1) + members.length * valueBits
    let sized = 0
    const exponents = new Map<number, number>()
    let zeros = 52
    if (this.coding === CODING.double) {
      for (const entry of members) {
        exponents.set(high![entry]!, exponents.size)
        while (zeros > 0 && value[entry]! % 2 ** zeros !== 0) zeros--
      }
      sized = this.uses * (widthOf(exponents.size - 1) + 52 - zeros)
    } else {
      let hasRaw = false
      for (const entry of members) {
        if (value[entry]! < 0) hasRaw = true
        sized += entries.uses(entry) * (4 + Math.max(0, sizeOf(value[entry]!) - 2))
      }
      if (hasRaw) listed = Infinity
    }
    if (members.length <= MAX_LISTED && listed <= sized) {
      this.#numbers = numbers
      this.#caseOf = caseOf
      for (let i = 0; i < members.length; i++) {
        const entry = members[i]!
        caseOf[entry] = i
        this.cases.push({ base: value[entry]!, unit: 1, width: 0, high: high?.[entry] ?? 0 })
      }
      this.#setDefault(members.length)
    } else if (this.coding === CODING.double) {
      this.#numbers = numbers
      this.#caseOf = caseOf
      const known = new Map<number, number>()
      for (const entry of members) {
        let number = known.get(high![entry]!)
        if (number === undefined) {
          number = this.cases.push({ base: 0, unit: 2 ** zeros, width: 52 - zeros, high: high![entry]! }) - 1
          known.set(high![entry]!, number)
        }
        caseOf[entry] = number
      }
      this.#setDefault(this.cases.length)
    } else this.setSizes(numbers, members.length, members)
  }

  #setDefault(cases: number): void {
    this.defaultCases = cases
    this.#default = { width: widthOf(Math.max(0, cases - 1)), cases: undefined }
  }

  /**
   * Decides how the values of a shape are written, `members` by entry or row, and puts the code of each where `places` says. `count` of both
   * are valid; `codes` are 0 before.
   */
  plan(shape: number, members: Uint32Array, places: Uint32Array, count: number, codes: Uint32Array): Layout {
    if (this.#caseOf) return this.#planListed(shape, this.#caseOf, members, places, count, codes)
    return this.#planSized(shape, members, places, count, codes)
  }

  /** The same as {@link plan} of values that are all this one, whose code is 0; undefined: it is not, they have to be planned. */
  planOne(shape: number, member: number, count: number): Layout | undefined {
    const { width } = this.#default
    if (!this.#caseOf || (width > 0 && (count < MIN_ROWS || width + 1 + LAYOUT_BITS >= count * width))) return undefined
    return width === 0 ? this.#default : this.#own(shape, { width: 0, cases: Uint32Array.of(this.#caseOf[member]!) })
  }

  /** Whether values of a layout take any bits. */
  isWritten({ width, cases }: Layout): boolean {
    if (width > 0) return true
    const one = cases ? cases[0]! : 0
    return this.text ? one < this.text.patterns.length : (this.cases[one]?.width ?? 0) > 0
  }

  #planListed(
    shape: number,
    caseOf: Uint32Array,
    members: Uint32Array,
    places: Uint32Array,
    count: number,
    codes: Uint32Array,
  ): Layout {
    const fallback = this.#default
    const own = count >= MIN_ROWS && fallback.width > 0 ? this.#localCases(caseOf, members, count) : undefined
    if (own) {
      const width = widthOf(own.length - 1)
      const bits = count * width + own.length * (fallback.width + 1) + LAYOUT_BITS
      if (bits < count * fallback.width) {
        const cases = own.toSorted()
        for (let i = 0; i < cases.length; i++) this.#local[cases[i]!] = i
        for (let i = 0; i < count; i++) codes[places[i]!] = this.#local[caseOf[members[i]!]!]!
        return this.#own(shape, { width, cases })
      }
    }
    for (let i = 0; i < count; i++) codes[places[i]!] = caseOf[members[i]!]!
    return fallback
  }

  /** The cases that these have, or undefined when they are too many to be worth a list. */
  #localCases(caseOf: Uint32Array, members: Uint32Array, count: number): Uint32Array | undefined {
    if (this.#stamp.length < this.defaultCases) {
      this.#local = new Uint32Array(this.defaultCases)
      this.#stamp = new Uint32Array(this.defaultCases)
    }
    const stamp = ++this.#plans
    const limit = Math.min(count >> 1, this.defaultCases >> 1)
    const found: number[] = []
    for (let i = 0; i < count; i++) {
      const one = caseOf[members[i]!]!
      if (this.#stamp[one] === stamp) continue
      if (found.length === limit) return undefined
      this.#stamp[one] = stamp
      found.push(one)
    }
    return Uint32Array.from(found)
  }

  #planSized(shape: number, members: Uint32Array, places: Uint32Array, count: number, codes: Uint32Array): Layout {
    const { value } = this.#numbers!
    const caseOfSize = this.#caseOfSize!
    if (count < MIN_ROWS) {
      putSizes(value, members, places, count, codes, caseOfSize)
      return this.#default
    }
    const { seen, min, max, rest } = rangeOf(value, members, count)
    const unit = min < 0 ? 1 : this.#unitOf(members, count)
    const rangeBits = min < 0 ? Infinity : count * widthOf((max - min) / unit) + LAYOUT_BITS + 40
    const cases: number[] = []
    for (let size = 0; size < SIZES; size++) if (seen[size]! > 0) cases.push(caseOfSize[size]!)
    const width = widthOf(cases.length - 1)
    const sizeBits = count * width + rest + LAYOUT_BITS + 6 * cases.length
    const defaultBits = count * this.#default.width + rest
    if (rangeBits <= sizeBits && rangeBits <= defaultBits) {
      const number = this.cases.push({ base: min, unit, width: widthOf((max - min) / unit), high: 0 }) - 1
      return this.#own(shape, { width: 0, cases: Uint32Array.of(number) })
    }
    if (sizeBits < defaultBits) {
      const ofSize = new Int32Array(SIZES)
      for (let size = 0, code = 0; size < SIZES; size++) if (seen[size]! > 0) ofSize[size] = code++
      putSizes(value, members, places, count, codes, ofSize)
      return this.#own(shape, { width, cases: Uint32Array.from(cases) })
    }
    putSizes(value, members, places, count, codes, caseOfSize)
    return this.#default
  }

  /** The largest unit of time that all are whole multiples of; 1 when these are no times. */
  #unitOf(members: Uint32Array, count: number): number {
    if (this.name.role !== ROLE.header) return 1
    const { value } = this.#numbers!
    for (const unit of UNITS) {
      let i = 0
      while (i < count && value[members[i]!]! % unit === 0) i++
      if (i === count) return unit
    }
    return 1
  }

  #own(shape: number, layout: Layout): Layout {
    this.layouts.push({ shape, layout })
    return layout
  }

  /** Writes one value: `code` as {@link plan} gave it; `member` by entry or row. */
  write(layout: Layout, code: number, member: number): void {
    const { writer } = this
    writer.write(code, layout.width)
    const number = layout.cases ? layout.cases[code]! : code
    const rests = (this.#rests ??= this.#restsOf())
    const width = number < rests.length ? rests[number]! : 0
    if (width === 0) return
    if (this.text) this.#coder!.copyRest(member, width, writer)
    else if (width === RAW) this.#numbers!.writeRaw(member, writer)
    else writer.writeNumber((this.#numbers!.value[member]! - this.#bases![number]!) / this.#units![number]!, width)
  }

  /** To be called when all is planned. */
  #restsOf(): Uint16Array {
    if (this.text) return Uint16Array.from(this.text.patterns, ({ width }) => width)
    this.#bases = Float64Array.from(this.cases, ({ base }) => base)
    this.#units = Float64Array.from(this.cases, ({ unit }) => unit)
    return Uint16Array.from(this.cases, ({ width }) => width)
  }
}

/** The least and the largest of some values, which sizes they have, and the bits of their rests by size. */
function rangeOf(
  value: Float64Array,
  members: Uint32Array,
  count: number,
): { seen: Uint8Array; min: number; max: number; rest: number } {
  const seen = new Uint8Array(SIZES)
  let [min, max, rest] = [Infinity, -Infinity, 0]
  for (let i = 0; i < count; i++) {
    const one = value[members[i]!]!
    const size = sizeOf(one)
    seen[size] = 1
    rest += size < 2 ? 0 : size - 2
    if (one < min) min = one
    if (one > max) max = one
  }
  return { seen, min, max, rest }
}

/** Puts the code of each value, which it has by its size. */
function putSizes(
  value: Float64Array,
  members: Uint32Array,
  places: Uint32Array,
  count: number,
  codes: Uint32Array,
  ofSize: Int32Array,
): void {
  for (let i = 0; i < count; i++) codes[places[i]!] = ofSize[sizeOf(value[members[i]!]!)]!
}
