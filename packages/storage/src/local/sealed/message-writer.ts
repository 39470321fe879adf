import type { BackWriter } from './back-writer.ts'
import { CODING, EVENT_HEADERS, LEVEL, ROLE, type LevelNumber } from './column.ts'
import type { CaseList, ShapeList } from './column-reader.ts'
import type { Chunk } from './head.ts'
import type { Numbers } from './number-column.ts'
import type { SectionColumns } from './section-columns.ts'
import type { Step } from './shape-steps.ts'
import { OP, type OpKind } from './template.ts'
import { ValueWriter } from './value-writer.ts'

/** What a span's template takes from the columns that all spans have. */
export interface SpanFields {
  /** Ids one after the other, and where the span's are. */
  readonly traceIds: Uint8Array
  readonly spanIds: Uint8Array
  readonly parentIds: Uint8Array
  readonly traceAt: number
  readonly idAt: number
  readonly startLo: number
  readonly startHi: number
  readonly endLo: number
  readonly endHi: number
}

/** The values of a column that belong to the rows of the writer, without those that are the same in all rows of a shape. */
class Values {
  readonly #writer: ValueWriter
  readonly #list: CaseList
  readonly #out: BackWriter
  /** How many of them are over. */
  used = 0
  /** Cases before this one may have a rest. */
  readonly #rests: number
  /** By case without a rest: its whole field as it was written, where it may be needed again. */
  readonly #fields: (Uint8Array | undefined)[] = []

  constructor(writer: ValueWriter, list: CaseList, out: BackWriter) {
    this.#writer = writer
    this.#list = list
    this.#out = out
    const { coding, patterns } = writer.column
    this.#rests = coding === CODING.text && list.count >= REPEATED ? patterns.length : Infinity
  }

  /** A number below 2^53. */
  number(index: number): number {
    const { bits, cases, rests } = this.#list
    return this.#writer.number(cases[index]!, bits, rests[index]!)
  }

  write(tag: number, index: number): void {
    const { bits, cases, rests } = this.#list
    const number = cases[index]!
    const known = number < this.#rests ? undefined : this.#fields[number]
    if (known) {
      this.#out.range(known)
      return
    }
    const { length } = this.#out
    this.#writer.write(tag, number, bits, rests[index]!)
    if (number >= this.#rests) this.#fields[number] = this.#out.since(length)
  }
}

const NONE = new Uint8Array()
/** Values of a column in some rows, from which on they are likely to repeat. */
const REPEATED = 64
const NO_FIELDS: SpanFields = {
  traceIds: NONE,
  spanIds: NONE,
  parentIds: NONE,
  traceAt: 0,
  idAt: 0,
  startLo: 0,
  startHi: 0,
  endLo: 0,
  endHi: 0,
}
const WORD = 2 ** 32
/** The tag of Span.events = 11. */
const EVENTS = 0x5a

/**
 * Puts the messages of some rows of a chunk together again. Of columns it reads only those that the rows' templates have.
 */
export class MessageWriter {
  readonly #columns: SectionColumns
  readonly #chunk: Chunk
  readonly #level: LevelNumber
  readonly #out: BackWriter
  readonly #values: (Values | undefined)[] = []
  readonly #shapes: (ShapeList | undefined)[] = []
  /** By level, in the chunk: the rows whose values are read, and the next of them. */
  readonly #ranges: { readonly from: number; readonly to: number; next: number }[]
  /** Of the events in their range. */
  #times: Numbers | undefined
  /** What of their columns' values is whose: slots of all messages, and the row and first slot of each event and link. */
  readonly #slots: number[] = []
  readonly #inner: number[] = []
  /** By member: its first slot, and the end of its events and links. */
  readonly #firstSlot: number[] = []
  readonly #innerEnd: number[] = []
  readonly #members: ArrayLike<number>
  #fields = NO_FIELDS
  #innerAt = 0

  /** `members`: the rows, ascending, counted from the chunk's first one. */
  constructor(columns: SectionColumns, chunk: Chunk, level: LevelNumber, members: ArrayLike<number>, out: BackWriter) {
    const [from, to] = [members[0] ?? 0, (members[members.length - 1] ?? -1) + 1]
    this.#columns = columns
    this.#chunk = chunk
    this.#level = level
    this.#out = out
    this.#members = members
    this.#ranges = chunk.rows.map(() => ({ from: 0, to: 0, next: 0 }))
    this.#ranges[level] = { from, to, next: from }
    if (level === LEVEL.span) this.#findRuns(from, to)
    this.#takeAll()
  }

  /** Which events and links are those of the rows. */
  #findRuns(from: number, to: number): void {
    for (const [number, { role, level, type }] of this.#columns.head.columns.entries()) {
      if (role !== ROLE.run || level !== LEVEL.span) continue
      const writer = new ValueWriter(this.#columns.file, this.#columns.reader(number).column, this.#out)
      const total = (start: number, end: number): number => {
        const { bits, count, cases, rests } = this.#columns.cases(number, this.#chunk, start, end)
        let sum = 0
        for (let i = 0; i < count; i++) sum += writer.number(cases[i]!, bits, rests[i]!)
        return sum
      }
      const before = total(0, from)
      this.#ranges[innerLevel(type)] = { from: before, to: before + total(from, to), next: before }
    }
  }

  #takeAll(): void {
    const range = this.#ranges[this.#level]!
    for (let i = 0; i < this.#members.length; i++) {
      const [slots, inner] = [this.#slots.length, this.#inner.length]
      while (range.next < this.#members[i]!) {
        this.#take(this.#level)
        this.#slots.length = slots
        this.#inner.length = inner
      }
      this.#firstSlot.push(slots)
      this.#take(this.#level)
      this.#innerEnd.push(this.#inner.length)
    }
  }

  /** Writes the message of a member in front of what is written. */
  write(member: number, fields = NO_FIELDS): void {
    const row = this.#members[member]!
    this.#fields = fields
    this.#innerAt = this.#innerEnd[member]!
    this.#message(this.#level, row, this.#firstSlot[member]!, this.#stepsOf(this.#level, row))
  }

  /** Takes the slots of a level's next row, and then those of its events and links. */
  #take(level: LevelNumber): void {
    const steps = this.#stepsOf(level, this.#ranges[level]!.next++)
    const slots = this.#slots
    let at = slots.length
    let hasRuns = false
    for (let i = 0; i < steps.length; i++) {
      const { kind, column } = steps[i]!
      if (column >= 0) slots.push(this.#valuesOf(column).used++)
      if (kind === OP.run) hasRuns = true
    }
    if (!hasRuns) return
    for (const { kind, tag, column, length } of steps) {
      const slot = column >= 0 ? slots[at++]! : 0
      if (kind !== OP.run) continue
      const inner = innerLevel(tag)
      for (let left = column >= 0 ? this.#valuesOf(column).number(slot) : length; left > 0; left--) {
        this.#inner.push(this.#ranges[inner]!.next, slots.length)
        this.#take(inner)
      }
    }
  }

  #message(level: LevelNumber, row: number, base: number, steps: readonly Step[]): void {
    const out = this.#out
    let slot = base
    for (let i = 0; i < steps.length; i++) if (steps[i]!.column >= 0) slot++
    let close = 0
    for (let i = steps.length - 1; i >= 0; i--) {
      const { kind, tag, bytes, column, length } = steps[i]!
      switch (kind) {
        case OP.bytes:
          out.range(bytes)
          break
        case OP.value:
          this.#values[column]!.write(tag, this.#slots[--slot]!)
          break
        case OP.run:
          this.#run(tag, column >= 0 ? this.#values[column]!.number(this.#slots[--slot]!) : length)
          break
        case OP.close:
          close = out.length
          break
        case OP.open:
          out.varint(out.length - close)
          out.varint(tag)
          break
        default:
          this.#field(kind, tag, level, row)
      }
    }
  }

  #run(tag: number, length: number): void {
    const out = this.#out
    const level = innerLevel(tag)
    for (let left = length; left > 0; left--) {
      const { length: before } = out
      this.#innerAt -= 2
      const row = this.#inner[this.#innerAt]!
      const base = this.#inner[this.#innerAt + 1]!
      this.#message(level, row, base, this.#stepsOf(level, row))
      out.varint(out.length - before)
      out.varint(tag)
    }
  }

  /** A field that is in other columns than those of slots. */
  #field(kind: OpKind, tag: number, level: LevelNumber, row: number): void {
    const out = this.#out
    const fields = this.#fields
    switch (kind) {
      case OP.start:
        if (level === LEVEL.event) this.#eventTime(row)
        else out.words(fields.startLo, fields.startHi)
        break
      case OP.end:
        out.words(fields.endLo, fields.endHi)
        break
      case OP.traceId:
        out.range(fields.traceIds, fields.traceAt, fields.traceAt + 16)
        out.byte(16)
        break
      case OP.spanId:
        out.range(fields.spanIds, fields.idAt, fields.idAt + 8)
        out.byte(8)
        break
      case OP.parentId:
        out.range(fields.parentIds, fields.idAt, fields.idAt + 8)
        out.byte(8)
        break
      default:
        throw new RangeError(`op ${kind}`)
    }
    out.varint(tag)
  }

  #eventTime(row: number): void {
    const { from, to } = this.#ranges[LEVEL.event]!
    const first = this.#chunk.first[LEVEL.event]!
    this.#times ??= this.#columns.numbers(EVENT_HEADERS[0]!, first + from, first + to)
    const lo = this.#fields.startLo + this.#times.lo(row - from)
    this.#out.words(lo, this.#fields.startHi + this.#times.hi(row - from) + (lo >= WORD ? 1 : 0))
  }

  #stepsOf(level: LevelNumber, row: number): readonly Step[] {
    const shapes = (this.#shapes[level] ??= this.#columns.shapes(level, this.#chunk))
    return this.#columns.steps.of(level, shapes[row]!)
  }

  #valuesOf(number: number): Values {
    return (this.#values[number] ??= this.#load(number))
  }

  #load(number: number): Values {
    const { column } = this.#columns.reader(number)
    const { from, to } = this.#ranges[column.level]!
    const list = this.#columns.cases(number, this.#chunk, from, to, true)
    return new Values(new ValueWriter(this.#columns.file, column, this.#out), list, this.#out)
  }
}

function innerLevel(tag: number): LevelNumber {
  return tag === EVENTS ? LEVEL.event : LEVEL.link
}
