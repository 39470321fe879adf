import type { BackWriter } from './back-writer.ts'
import { readBits, readNumber } from './bits.ts'
import { CODING, EVENT_HEADERS, LEVEL, ROLE, type LevelNumber } from './column.ts'
import type { CaseList, ShapeList } from './column-reader.ts'
import type { Chunk, HeadColumn } from './head.ts'
import { RAW, type Numbers } from './number-column.ts'
import type { SectionColumns } from './section-columns.ts'
import { OP, type Op } from './template.ts'
import { TextReader } from './text-reader.ts'

/** What a span's template takes from the columns that all spans have. Used for one span after the other. */
export interface SpanFields {
  /** Ids one after the other, and where the span's are. */
  readonly traceIds: Uint8Array
  readonly spanIds: Uint8Array
  readonly parentIds: Uint8Array
  traceAt: number
  idAt: number
  name: Uint8Array
  startLo: number
  startHi: number
  endLo: number
  endHi: number
}

/** An op, with what its column has. */
interface Step {
  readonly op: Op
  readonly values: Values | undefined
}

/** The values of a column that belong to the rows of the writer. */
class Values {
  readonly column: HeadColumn
  readonly list: CaseList
  readonly text: TextReader
  /** How many of them are over. */
  used = 0

  constructor(columns: SectionColumns, column: HeadColumn, list: CaseList) {
    this.column = column
    this.list = list
    this.text = new TextReader(columns.file, column)
  }

  /** A number below 2^53. */
  number(index: number): number {
    const { bits, cases, rests } = this.list
    const { base, unit, width } = this.column.cases[cases[index]!]!
    return width === 0 ? base : base + unit * readNumber(bits!.view, rests[index]!, width)
  }
}

const NONE = new Uint8Array()
const NO_FIELDS: SpanFields = {
  traceIds: NONE,
  spanIds: NONE,
  parentIds: NONE,
  traceAt: 0,
  idAt: 0,
  name: NONE,
  startLo: 0,
  startHi: 0,
  endLo: 0,
  endHi: 0,
}
const WORD = 2 ** 32
/** The tag of Span.events = 11. */
const EVENTS = 0x5a

/**
 * Puts the messages of some rows of a chunk together again, in ascending order. Of columns it reads only those that the rows' templates have.
 */
export class MessageWriter {
  readonly #columns: SectionColumns
  readonly #chunk: Chunk
  readonly #level: LevelNumber
  readonly #out: BackWriter
  /** By template. */
  readonly #steps: (readonly Step[] | undefined)[] = []
  readonly #values: (Values | undefined)[] = []
  readonly #shapes: (ShapeList | undefined)[] = []
  /** By level, in the chunk: the rows whose values are read, and the next of them. */
  readonly #ranges: { readonly from: number; readonly to: number; next: number }[]
  /** Of the events in their range. */
  #times: Numbers | undefined
  /** Slots of the message that is being written; of its events and links in turn, the row and where its slots begin. */
  readonly #slots: number[] = []
  readonly #inner: number[] = []
  #fields = NO_FIELDS

  /** Rows are counted from the chunk's first one. */
  constructor(columns: SectionColumns, chunk: Chunk, level: LevelNumber, from: number, to: number, out: BackWriter) {
    this.#columns = columns
    this.#chunk = chunk
    this.#level = level
    this.#out = out
    this.#ranges = chunk.rows.map(() => ({ from: 0, to: 0, next: 0 }))
    this.#ranges[level] = { from, to, next: from }
    if (level === LEVEL.span) this.#findRuns(from, to)
  }

  /** Which events and links are those of the rows. */
  #findRuns(from: number, to: number): void {
    for (const [number, { role, level, type }] of this.#columns.head.columns.entries()) {
      if (role !== ROLE.run || level !== LEVEL.span) continue
      const { column } = this.#columns.reader(number)
      const total = (start: number, end: number): number => {
        const values = new Values(this.#columns, column, this.#columns.cases(number, this.#chunk, start, end))
        let sum = 0
        for (let i = 0; i < values.list.count; i++) sum += values.number(i)
        return sum
      }
      const before = total(0, from)
      this.#ranges[innerLevel(type)] = { from: before, to: before + total(from, to), next: before }
    }
  }

  /** Writes the message of a row, which comes after those that were written before, in front of what is written. */
  write(row: number, fields = NO_FIELDS): void {
    const range = this.#ranges[this.#level]!
    while (range.next < row) {
      this.#take(this.#level)
      this.#slots.length = this.#inner.length = 0
    }
    this.#fields = fields
    this.#take(this.#level)
    this.#message(this.#level, row, 0, this.#stepsOf(this.#level, row))
    this.#slots.length = this.#inner.length = 0
  }

  /** Takes the slots of a level's next row, and then those of its events and links. */
  #take(level: LevelNumber): void {
    const row = this.#ranges[level]!.next++
    const steps = this.#stepsOf(level, row)
    const slots = this.#slots
    let at = slots.length
    let hasRuns = false
    for (const { op, values } of steps) {
      if (!values) continue
      slots.push(values.used++)
      if (op.kind === OP.run) hasRuns = true
    }
    if (!hasRuns) return
    for (const { op, values } of steps) {
      if (!values) continue
      const slot = slots[at++]!
      if (op.kind !== OP.run) continue
      const inner = innerLevel(op.tag)
      for (let left = values.number(slot); left > 0; left--) {
        this.#inner.push(this.#ranges[inner]!.next, slots.length)
        this.#take(inner)
      }
    }
  }

  #message(level: LevelNumber, row: number, base: number, steps: readonly Step[]): void {
    const out = this.#out
    let slot = base
    for (const { values } of steps) if (values) slot++
    let close = 0
    for (let i = steps.length - 1; i >= 0; i--) {
      const { op, values } = steps[i]!
      switch (op.kind) {
        case OP.bytes:
          out.range(op.bytes)
          break
        case OP.value:
          this.#value(op.tag, values!, this.#slots[--slot]!)
          break
        case OP.run:
          this.#run(op.tag, values!.number(this.#slots[--slot]!))
          break
        case OP.close:
          close = out.length
          break
        case OP.open:
          out.varint(out.length - close)
          out.varint(op.tag)
          break
        default:
          this.#field(op, level, row)
      }
    }
  }

  #run(tag: number, length: number): void {
    const out = this.#out
    const level = innerLevel(tag)
    for (let left = length; left > 0; left--) {
      const { length: before } = out
      const base = this.#inner.pop()!
      const row = this.#inner.pop()!
      this.#message(level, row, base, this.#stepsOf(level, row))
      out.varint(out.length - before)
      out.varint(tag)
    }
  }

  /** A field that is in other columns than those of slots. */
  #field({ kind, tag }: Op, level: LevelNumber, row: number): void {
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
        out.range(fields.name)
        out.varint(fields.name.length)
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

  /** The value of a slot, with the tag and length of its field. */
  #value(tag: number, values: Values, index: number): void {
    const { column, list, text } = values
    const out = this.#out
    const { length: before } = out
    if (column.role === ROLE.attribute) {
      this.#any(values, index)
      out.varint(out.length - before)
      out.byte(0x12)
      out.range(column.name)
      out.varint(column.name.length)
      out.byte(0x0a)
    } else if (column.role === ROLE.varint) {
      this.#varint(values, index)
      out.varint(tag)
      return
    } else {
      text.write(list.cases[index]!, list.bits, list.rests[index]!, out)
      if (column.role === ROLE.own) return
      if (column.role === ROLE.fixed) {
        out.varint(tag)
        return
      }
    }
    out.varint(out.length - before)
    out.varint(tag)
  }

  /** An `AnyValue`. */
  #any(values: Values, index: number): void {
    const { column, list, text } = values
    const out = this.#out
    const { coding, type } = column
    if (coding === CODING.text) {
      const { length: before } = out
      text.write(list.cases[index]!, list.bits, list.rests[index]!, out)
      if (type === 0) return
      out.varint(out.length - before)
    } else if (coding === CODING.double) {
      const rest = values.number(index)
      out.words(rest, (column.cases[list.cases[index]!]!.high << 20) | Math.floor(rest / WORD))
    } else this.#varint(values, index)
    out.byte(type)
  }

  #varint(values: Values, index: number): void {
    const { bits, cases, rests } = values.list
    if (values.column.cases[cases[index]!]!.width !== RAW) return this.#out.varint(values.number(index))
    const at = rests[index]!
    this.#out.varint64(readBits(bits!.view, at, 32), readBits(bits!.view, at + 32, 32))
  }

  #stepsOf(level: LevelNumber, row: number): readonly Step[] {
    const shapes = (this.#shapes[level] ??= this.#columns.shapes(level, this.#chunk))
    const number = this.#columns.head.levels[level]!.templates[shapes[row]!]!
    return (this.#steps[number] ??= this.#loadSteps(number))
  }

  #loadSteps(template: number): Step[] {
    return this.#columns.head.template(template).map((op) => ({
      op,
      values:
        op.kind === OP.value || op.kind === OP.run ? (this.#values[op.column] ??= this.#load(op.column)) : undefined,
    }))
  }

  #load(number: number): Values {
    const { column } = this.#columns.reader(number)
    const { from, to } = this.#ranges[column.level]!
    return new Values(this.#columns, column, this.#columns.cases(number, this.#chunk, from, to))
  }
}

function innerLevel(tag: number): LevelNumber {
  return tag === EVENTS ? LEVEL.event : LEVEL.link
}
