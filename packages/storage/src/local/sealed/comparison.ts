import { crc32 } from 'node:zlib'
import { viewOf } from '../block/hash.ts'
import { BackWriter } from './back-writer.ts'
import { CODING, EVENT_HEADERS, LEVEL, type LevelNumber } from './column.ts'
import type { ColumnCursor, ShapeList } from './column-reader.ts'
import type { Chunk } from './head.ts'
import type { Numbers } from './number-column.ts'
import { inPieces } from './pieces.ts'
import type { RowFields, SealedRows } from './sealed-rows.ts'
import type { SectionColumns } from './section-columns.ts'
import { NO_BITS } from './section-file.ts'
import type { Step } from './shape-steps.ts'
import { hasOwnGroups } from './compared-groups.ts'
import type { Source } from './source.ts'
import type { Hold } from './specimen.ts'
import { OP, type OpKind } from './template.ts'
import { ValueWriter } from './value-writer.ts'

const WORD = 2 ** 32
/** The tag of Span.events = 11. */
const EVENTS = 0x5a

/**
 * Whether a section gives back exactly what it was made from: each span of the source once, all bytes of it, under its own resource and scope. It reads the
 * section as a reader does, but puts no message together: each is followed in the source's bytes, which is several times as fast. Throws as a
 * section's readers do where its bytes are not those that were written.
 */
export function isSameAs(source: Source, columns: SectionColumns, rows: SealedRows, hold?: Hold): boolean {
  if (rows.count !== source.order.length || !isEachOnce(source) || !hasOwnGroups(source, columns, rows, hold))
    return false
  const comparison = new Comparison(source, columns, rows)
  hold?.(columns, comparison)
  return comparison.isSame()
}

/** An order that had a span twice, and so another one not at all, would be the same by itself. */
function isEachOnce({ order, columns, kept }: Source): boolean {
  const left = new Uint8Array(columns.count)
  let found = 0
  inPieces(kept.length, (from, to) => mark(kept, from, to, left))
  inPieces(order.length, (from, to) => (found += unmark(order, from, to, left)))
  return found === kept.length && order.length === kept.length
}

function mark(rows: Uint32Array, from: number, to: number, marks: Uint8Array): void {
  for (let i = from; i < to; i++) marks[rows[i]!] = 1
}

/** How many of them had a mark, which they have not any more. */
function unmark(rows: Uint32Array, from: number, to: number, marks: Uint8Array): number {
  let count = 0
  for (let i = from; i < to; i++) {
    count += marks[rows[i]!]!
    marks[rows[i]!] = 0
  }
  return count
}

/** The values of a column in the chunk that is compared, and which cases have been found to be the same. */
class ComparedColumn {
  readonly writer: ValueWriter
  readonly cursor: ColumnCursor
  /** The chunk that {@link cursor} is in. */
  chunk: Chunk | undefined
  /** By case that has no rest: where a value of it is in the source, and its length; 0: none has come yet. */
  readonly at: Uint32Array
  readonly length: Uint32Array
  /** By case: whether it has a rest. */
  readonly hasRest: Uint8Array

  constructor(writer: ValueWriter, cursor: ColumnCursor) {
    this.writer = writer
    this.cursor = cursor
    const { coding, patterns, texts, cases } = writer.column
    const isText = coding === CODING.text
    this.hasRest = isText
      ? new Uint8Array(patterns.length + texts).fill(1, 0, patterns.length)
      : Uint8Array.from(cases, ({ width }) => (width > 0 ? 1 : 0))
    this.at = new Uint32Array(this.hasRest.length)
    this.length = new Uint32Array(this.hasRest.length)
  }
}

/** Words of a step in a {@link Plan}: kind, tag, column, length of a run or of bytes, and 1 more than where those bytes are in the source, 0 if not yet known. */
const WIDTH = 5
/** The steps of a shape in one piece, as they are gone through once for each row. */
type Plan = Int32Array

class Comparison {
  readonly #source: Source
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #columns: SectionColumns
  readonly #fields: RowFields
  readonly #out = new BackWriter()
  readonly #compared: (ComparedColumn | undefined)[] = []
  /** By level and shape. */
  readonly #plans: (Plan | undefined)[][] = [[], [], []]
  /** By level, of the chunk: the shapes of its rows, and the next of them. */
  readonly #shapes: ShapeList[] = []
  readonly #next: number[] = []
  #chunk: Chunk | undefined
  #times: Numbers | undefined
  /** See {@link #end}. */
  #content = -1

  constructor(source: Source, columns: SectionColumns, rows: SealedRows) {
    this.#source = source
    this.#bytes = source.bytes
    this.#view = viewOf(source.bytes)
    this.#columns = columns
    this.#fields = rows.fields()
  }

  isSame(): boolean {
    const { order } = this.#source
    let place = 0
    for (const chunk of this.#columns.chunks(LEVEL.span, 0, order.length)) {
      this.#begin(chunk)
      const end = place + chunk.rows[LEVEL.span]!
      if (end > order.length || !this.#areSame(place, end)) return false
      place = end
    }
    return place === order.length
  }

  /** The spans of a chunk. */
  #areSame(from: number, to: number): boolean {
    const { columns, order } = this.#source
    const { spanStart, spanEnd } = columns
    const fields = this.#fields
    for (let place = from; place < to; place++) {
      const row = order[place]!
      fields.moveTo(place)
      if (!this.#message(LEVEL.span, spanStart[row]!, spanEnd[row]!)) return false
    }
    return true
  }

  #begin(chunk: Chunk): void {
    const { file, head } = this.#columns
    const view = file.load(chunk)
    this.#chunk = chunk
    this.#times = undefined
    for (const level of [LEVEL.span, LEVEL.event, LEVEL.link]) {
      this.#shapes[level] = this.#columns.shapes(level, chunk)
      this.#next[level] = 0
    }
    for (let column = 0; column < head.columns.length; column++) {
      // Who reads a column alone goes by its own checksum.
      const piece = chunk.piece(column)
      if (!piece) continue
      const own = new Uint8Array(view.buffer, view.byteOffset + piece.offset - chunk.offset, piece.length)
      if (crc32(own) !== piece.crc) throw new RangeError(`the checksum of column ${column} is wrong`)
    }
  }

  /** Whether the next row of a level is what is in `[start, end)`. */
  #message(level: LevelNumber, start: number, end: number): boolean {
    const row = this.#next[level]!++
    const shape = this.#shapes[level]![row]!
    const plan = (this.#plans[level]![shape] ??= planOf(this.#columns.steps.of(level, shape)))
    let p = start
    /** Where what is open ends: the message itself, or the one that is in it. */
    let close = end
    for (let i = 0; i < plan.length && p >= 0; i += WIDTH) {
      const kind = plan[i]! as OpKind
      const tag = plan[i + 1]!
      switch (kind) {
        case OP.bytes: {
          const known = plan[i + 4]!
          if (known > 0) p = this.#repeated(known - 1, plan[i + 3]!, p, close)
          else {
            plan[i + 4] = p + 1
            p = this.#literal(this.#columns.steps.of(level, shape)[i / WIDTH]!.bytes, p, close)
          }
          break
        }
        case OP.value:
          p = this.#value(plan[i + 2]!, shape, tag, p, close)
          break
        case OP.run:
          p = this.#run(tag, plan[i + 2]!, plan[i + 3]!, shape, p, close)
          break
        case OP.open:
          p = this.#varint(tag, p, close)
          close = this.#end(p, close)
          p = this.#content
          break
        case OP.close:
          if (p !== close) return false
          close = end
          break
        default:
          p = this.#field(kind, tag, level, row, p, close)
      }
    }
    return p === end
  }

  #run(tag: number, column: number, length: number, shape: number, start: number, end: number): number {
    const level = tag === EVENTS ? LEVEL.event : LEVEL.link
    let p = start
    for (let left = column < 0 ? length : this.#number(column, shape); left > 0 && p >= 0; left--) {
      p = this.#varint(tag, p, end)
      const stop = this.#end(p, end)
      if (stop < 0 || !this.#message(level, this.#content, stop)) return -1
      p = stop
    }
    return p
  }

  /** The next value of a column, as a number. */
  #number(number: number, shape: number): number {
    const { cursor, writer } = this.#column(number)
    cursor.next(shape)
    return writer.number(cursor.one, cursor.bits, cursor.restAt)
  }

  /** The byte after the next value of a column; as all that follows -1 where it is not what is at `p`. */
  #value(number: number, shape: number, tag: number, p: number, end: number): number {
    const column = this.#column(number)
    const { cursor } = column
    cursor.next(shape)
    const { one } = cursor
    const length = column.length[one]!
    if (length > 0) return this.#repeated(column.at[one]!, length, p, end)
    const out = this.#out
    column.writer.write(tag, one, cursor.bits, cursor.restAt)
    const next = this.#literal(out.bytes, p, end, out.at)
    if (next >= 0 && column.hasRest[one] === 0) {
      column.at[one] = p
      column.length[one] = next - p
    }
    out.clear()
    return next
  }

  /** Bytes that have been found to be what is wanted are at `known`: words of the source are compared faster than bytes of what is decoded. */
  #repeated(known: number, length: number, p: number, end: number): number {
    if (p + length > end) return -1
    const view = this.#view
    let i = 0
    for (; i + 8 <= length; i += 8) {
      const low = view.getInt32(known + i, true) ^ view.getInt32(p + i, true)
      if ((low | (view.getInt32(known + i + 4, true) ^ view.getInt32(p + i + 4, true))) !== 0) return -1
    }
    if (i + 4 <= length) {
      if (view.getInt32(known + i, true) !== view.getInt32(p + i, true)) return -1
      i += 4
    }
    for (; i < length; i++) if (view.getUint8(known + i) !== view.getUint8(p + i)) return -1
    return p + length
  }

  /** The bytes from `from` to the end of `literal`. */
  #literal(literal: Uint8Array, p: number, end: number, from = 0): number {
    const bytes = this.#bytes
    const next = p + literal.length - from
    if (next > end) return -1
    for (let i = from, at = p; at < next; i++, at++) if (literal[i] !== bytes[at]) return -1
    return next
  }

  #field(kind: OpKind, tag: number, level: LevelNumber, row: number, start: number, end: number): number {
    const fields = this.#fields
    const p = this.#varint(tag, start, end)
    switch (kind) {
      case OP.start:
        if (level !== LEVEL.event) return this.#words(fields.startLo, fields.startHi, p, end)
        return this.#eventTime(row, p, end)
      case OP.end:
        return this.#words(fields.endLo, fields.endHi, p, end)
      case OP.traceId:
        return this.#id(fields.traceIds, fields.traceAt, 16, p, end)
      case OP.spanId:
        return this.#id(fields.spanIds, fields.idAt, 8, p, end)
      case OP.parentId:
        return this.#id(fields.parentIds, fields.idAt, 8, p, end)
      default:
        throw new RangeError(`op ${kind}`)
    }
  }

  #eventTime(row: number, p: number, end: number): number {
    const chunk = this.#chunk!
    const first = chunk.first[LEVEL.event]!
    this.#times ??= this.#columns.numbers(EVENT_HEADERS[0]!, first, first + chunk.rows[LEVEL.event]!)
    const lo = this.#fields.startLo + this.#times.lo(row)
    return this.#words(lo, this.#fields.startHi + this.#times.hi(row) + (lo >= WORD ? 1 : 0), p, end)
  }

  #words(lo: number, hi: number, p: number, end: number): number {
    if (p < 0 || p + 8 > end) return -1
    const view = this.#view
    return view.getInt32(p, true) === (lo | 0) && view.getInt32(p + 4, true) === (hi | 0) ? p + 8 : -1
  }

  #id(ids: Uint8Array, at: number, length: number, start: number, end: number): number {
    const p = this.#varint(length, start, end)
    if (p < 0 || p + length > end) return -1
    const bytes = this.#bytes
    for (let i = 0; i < length; i++) if (bytes[p + i] !== ids[at + i]) return -1
    return p + length
  }

  #varint(value: number, start: number, end: number): number {
    let p = start
    let rest = value
    for (; p >= 0 && rest > 127; rest = Math.floor(rest / 128)) p = this.#byte((rest % 128) | 128, p, end)
    return this.#byte(rest, p, end)
  }

  #byte(value: number, p: number, end: number): number {
    return p >= 0 && p < end && this.#bytes[p] === value ? p + 1 : -1
  }

  /** Where what has its length at `p`, as short as can be, ends; {@link #content} is then where it begins. */
  #end(p: number, end: number): number {
    const bytes = this.#bytes
    this.#content = -1
    let length = 0
    for (let at = p, scale = 1; at >= 0 && at < end; at++, scale *= 128) {
      const byte = bytes[at]!
      length += (byte & 127) * scale
      if (byte > 127) continue
      if ((byte === 0 && at > p) || at + 1 + length > end) return -1
      this.#content = at + 1
      return at + 1 + length
    }
    return -1
  }

  /** With its cursor in the chunk that is compared. */
  #column(number: number): ComparedColumn {
    const column = this.#compared[number] ?? this.#compare(number)
    const chunk = this.#chunk!
    if (column.chunk !== chunk) {
      column.chunk = chunk
      column.cursor.begin(this.#columns.file.bits(chunk, number) ?? NO_BITS)
    }
    return column
  }

  #compare(number: number): ComparedColumn {
    const reader = this.#columns.reader(number)
    const writer = new ValueWriter(this.#columns.file, reader.column, this.#out)
    return (this.#compared[number] = new ComparedColumn(writer, reader.cursor()))
  }
}

function planOf(steps: readonly Step[]): Plan {
  const plan = new Int32Array(WIDTH * steps.length)
  for (let i = 0; i < steps.length; i++) {
    const { kind, tag, column, bytes, length } = steps[i]!
    const at = WIDTH * i
    plan[at] = kind
    plan[at + 1] = tag
    plan[at + 2] = column
    plan[at + 3] = kind === OP.bytes ? bytes.length : length
  }
  return plan
}
