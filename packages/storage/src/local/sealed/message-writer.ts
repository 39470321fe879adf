import type { BackWriter } from './back-writer.ts'
import { readBits, readNumber } from './bits.ts'
import { CODING, EVENT_HEADERS, LEVEL, ROLE, type LevelNumber } from './column.ts'
import type { CaseList, ShapeList } from './column-reader.ts'
import type { Chunk, HeadColumn } from './head.ts'
import { RAW, type Numbers } from './number-column.ts'
import type { SectionColumns } from './section-columns.ts'
import { OP, type Op } from './template.ts'
import { writeText } from './text-reader.ts'

/** What a span's template takes from the columns that all spans have. */
export interface SpanFields {
  readonly traceId: Uint8Array
  readonly spanId: Uint8Array
  readonly parentId: Uint8Array
  readonly name: Uint8Array
  readonly startLo: number
  readonly startHi: number
  readonly endLo: number
  readonly endHi: number
}

/** A template with the columns of its slots. */
interface Template {
  readonly ops: readonly Op[]
  /** By slot. */
  readonly columns: readonly number[]
}

const NONE = new Uint8Array()
const NO_FIELDS: SpanFields = {
  traceId: NONE,
  spanId: NONE,
  parentId: NONE,
  name: NONE,
  startLo: 0,
  startHi: 0,
  endLo: 0,
  endHi: 0,
}
const WORD = 2 ** 32

/**
 * Puts the messages of some rows of a chunk together again, in ascending order. Of columns it reads only those that the rows' templates have.
 */
export class MessageWriter {
  readonly #columns: SectionColumns
  readonly #chunk: Chunk
  readonly #level: LevelNumber
  readonly #out: BackWriter
  readonly #templates = new Map<number, Template>()
  readonly #shapes: (ShapeList | undefined)[] = []
  /** By column: the values of the rows in {@link #ranges}, and how many of them are over. */
  readonly #lists: (CaseList | undefined)[] = []
  readonly #used: number[] = []
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
    for (const [column, { role, level, type }] of this.#columns.head.columns.entries()) {
      if (role !== ROLE.run || level !== LEVEL.span) continue
      const total = (start: number, end: number): number => {
        const list = this.#columns.cases(column, this.#chunk, start, end)
        let sum = 0
        for (let i = 0; i < list.count; i++) sum += this.#number(this.#columns.head.columns[column]!, list, i)
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
    this.#message(this.#level, range.next - 1, 0)
    this.#slots.length = this.#inner.length = 0
  }

  /** Takes the slots of a level's next row, and then those of its events and links. */
  #take(level: LevelNumber): void {
    const row = this.#ranges[level]!.next++
    const template = this.#template(level, row)
    const { columns } = template
    const base = this.#slots.length
    for (const column of columns) {
      const used = this.#used[column] ?? 0
      this.#used[column] = used + 1
      this.#slots.push(used)
    }
    for (let slot = 0; slot < columns.length; slot++) {
      const column = this.#columns.head.columns[columns[slot]!]!
      if (column.role !== ROLE.run) continue
      const length = this.#number(column, this.#list(columns[slot]!), this.#slots[base + slot]!)
      for (let i = 0; i < length; i++) {
        const inner = innerLevel(column.type)
        this.#inner.push(this.#ranges[inner]!.next, this.#slots.length)
        this.#take(inner)
      }
    }
  }

  #message(level: LevelNumber, row: number, base: number): void {
    const { ops, columns } = this.#template(level, row)
    const out = this.#out
    let slot = base + columns.length
    let open = 0
    for (let i = ops.length - 1; i >= 0; i--) {
      const { kind, tag, bytes, column } = ops[i]!
      switch (kind) {
        case OP.bytes:
          out.range(bytes)
          break
        case OP.value:
          this.#value(tag, column, this.#slots[--slot]!)
          break
        case OP.run: {
          const list = this.#list(column)
          const length = this.#number(this.#columns.head.columns[column]!, list, this.#slots[--slot]!)
          for (let k = 0; k < length; k++) {
            const { length: before } = out
            const from = this.#inner.pop()!
            this.#message(innerLevel(tag), this.#inner.pop()!, from)
            out.varint(out.length - before)
            out.varint(tag)
          }
          break
        }
        case OP.open:
          out.varint(out.length - open)
          out.varint(tag)
          break
        case OP.close:
          open = out.length
          break
        default:
          this.#field(kind, tag, level, row)
      }
    }
  }

  /** A field that is in other columns than those of slots. */
  #field(kind: number, tag: number, level: LevelNumber, row: number): void {
    const out = this.#out
    const fields = this.#fields
    switch (kind) {
      case OP.start:
        if (level === LEVEL.event) this.#eventTime(row)
        else {
          out.word(fields.startHi)
          out.word(fields.startLo)
        }
        break
      case OP.end:
        out.word(fields.endHi)
        out.word(fields.endLo)
        break
      default: {
        const bytes =
          kind === OP.traceId
            ? fields.traceId
            : kind === OP.spanId
              ? fields.spanId
              : kind === OP.parentId
                ? fields.parentId
                : fields.name
        out.range(bytes)
        out.varint(bytes.length)
      }
    }
    out.varint(tag)
  }

  #eventTime(row: number): void {
    const { from, to } = this.#ranges[LEVEL.event]!
    const first = this.#chunk.first[LEVEL.event]!
    this.#times ??= this.#columns.numbers(EVENT_HEADERS[0]!, first + from, first + to)
    const lo = this.#fields.startLo + this.#times.lo(row - from)
    this.#out.word(this.#fields.startHi + this.#times.hi(row - from) + (lo >= WORD ? 1 : 0))
    this.#out.word(lo)
  }

  /** The value of a slot, with the tag and length of its field. */
  #value(tag: number, number: number, index: number): void {
    const column = this.#columns.head.columns[number]!
    const list = this.#list(number)
    const out = this.#out
    const { length: before } = out
    switch (column.role) {
      case ROLE.attribute: {
        this.#any(column, list, index)
        out.varint(out.length - before)
        out.byte(0x12)
        out.range(column.name)
        out.varint(column.name.length)
        out.byte(0x0a)
        break
      }
      case ROLE.varint:
        this.#varint(column, list, index)
        out.varint(tag)
        return
      case ROLE.own:
        this.#text(column, list, index)
        return
      default:
        this.#text(column, list, index)
        if (column.role === ROLE.fixed) {
          out.varint(tag)
          return
        }
    }
    out.varint(out.length - before)
    out.varint(tag)
  }

  /** An `AnyValue`. */
  #any(column: HeadColumn, list: CaseList, index: number): void {
    const out = this.#out
    const { length: before } = out
    if (column.coding === CODING.text) {
      this.#text(column, list, index)
      if (column.type !== 0) out.varint(out.length - before)
    } else if (column.coding === CODING.double) {
      const number = list.cases[index]!
      const { high, base, unit, width } = column.cases[number]!
      const rest = base + unit * (width === 0 ? 0 : readNumber(list.bits!.view, list.rests[index]!, width))
      out.word((high << 20) | Math.floor(rest / WORD))
      out.word(rest)
    } else this.#varint(column, list, index)
    if (column.type !== 0) out.byte(column.type)
  }

  #text(column: HeadColumn, { bits, cases, rests }: CaseList, index: number): void {
    writeText(this.#columns.file, column, cases[index]!, bits, rests[index]!, this.#out)
  }

  #varint(column: HeadColumn, list: CaseList, index: number): void {
    const { width } = column.cases[list.cases[index]!]!
    if (width !== RAW) return this.#out.varint(this.#number(column, list, index))
    const { view } = list.bits!
    const at = list.rests[index]!
    this.#out.varint64(readBits(view, at, 32), readBits(view, at + 32, 32))
  }

  /** A number below 2^53. */
  #number(column: HeadColumn, { bits, cases, rests }: CaseList, index: number): number {
    const { base, unit, width } = column.cases[cases[index]!]!
    return width === 0 ? base : base + unit * readNumber(bits!.view, rests[index]!, width)
  }

  #list(column: number): CaseList {
    const known = this.#lists[column]
    if (known) return known
    const { from, to } = this.#ranges[this.#columns.head.columns[column]!.level]!
    return (this.#lists[column] = this.#columns.cases(column, this.#chunk, from, to))
  }

  #template(level: LevelNumber, row: number): Template {
    const shapes = (this.#shapes[level] ??= this.#columns.shapes(level, this.#chunk))
    const { head } = this.#columns
    const number = head.levels[level]!.templates[shapes[row]!]!
    let template = this.#templates.get(number)
    if (!template) {
      const ops = Array.from(head.templates[number]!, (op) => head.ops[op]!)
      const columns = ops.filter(({ kind }) => kind === OP.value || kind === OP.run).map(({ column }) => column)
      this.#templates.set(number, (template = { ops, columns }))
    }
    return template
  }
}

function innerLevel(tag: number): LevelNumber {
  return tag === EVENTS ? LEVEL.event : LEVEL.link
}

/** The tag of Span.events = 11. */
const EVENTS = 0x5a
