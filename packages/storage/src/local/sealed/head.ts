import type { OperationKey } from '../block/rows.ts'
import { ByteReader, ByteWriter } from './bytes.ts'
import { LEVELS, type Coding, type ColumnName, type LevelNumber, type Role } from './column.ts'
import type { NumberCase } from './number-column.ts'
import { HOLE } from './pattern.ts'
import type { Op, OpKind } from './template.ts'
import type { Hole } from './text-cases.ts'
import type { Page, Piece } from './text-pages.ts'

/*
 * The head of a section: what all its columns are and where their pieces lie. Numbers are varints, byte strings have their length before them.
 *
 *   head      := counts, ops, templates, shapes of each level, operations, groups, pages, filter pieces, chunks, columns
 *   column    := byte string, so that a reader steps over what it does not know or need
 *
 * A later version may add columns, and parts at the end; it changes nothing that is there.
 */

/** A pattern without its text. */
export interface HeadPattern {
  readonly holes: readonly Omit<Hole, 'offset'>[]
  /** Bits of a rest. */
  readonly width: number
}

/** Whose columns' pieces lie side by side: some rows of each level. */
export interface Chunk extends Piece {
  /** By level: the first row, and how many there are. */
  readonly first: readonly number[]
  readonly rows: readonly number[]
  /** By column. Offsets are the section's. */
  readonly pieces: ReadonlyMap<number, Piece>
}

export interface HeadColumn extends ColumnName {
  readonly coding: Coding
  /** Values, with repetitions. */
  readonly values: number
  /** Cases of shapes that have no own list. */
  readonly defaultCases: number
  /** Of numbers and doubles: all cases. */
  readonly cases: readonly NumberCase[]
  /** Of texts: those cases that have a rest; the others are texts, after them. */
  readonly patterns: readonly HeadPattern[]
  readonly texts: number
  /** The text of the first case. */
  readonly firstText: number
  /** By shape that has values: see {@link readUses}. */
  readonly uses: Uint8Array
}

export interface ShapeUse {
  readonly shape: number
  readonly values: number
  /** Undefined: the default cases. */
  readonly cases: Uint32Array | undefined
}

export interface HeadLevel {
  readonly rows: number
  /** By shape: its template. */
  readonly templates: Uint32Array
}

export interface Head {
  readonly ops: readonly Op[]
  readonly templates: readonly Uint32Array[]
  readonly levels: readonly HeadLevel[]
  /** By shape of spans. */
  readonly operationOf: Uint32Array
  readonly statusOf: Uint8Array
  readonly operations: readonly OperationKey[]
  /** The names as they came. */
  readonly names: readonly Uint8Array[]
  /** By group: the row of its resource, and of its scope. */
  readonly resourceOf: Uint32Array
  readonly scopeOf: Uint32Array
  readonly pages: readonly Page[]
  readonly traceFilter: readonly Piece[]
  readonly valueFilter: readonly Piece[]
  /** Attribute keys that are no column's; undefined: there are too many. */
  readonly otherKeys: readonly string[] | undefined
  /** By chunk: the last trace id in it, for chunks that have traces. */
  readonly lastIds: readonly Uint32Array[]
  readonly chunks: readonly Chunk[]
  readonly columns: readonly HeadColumn[]
}

export function writeUses(uses: readonly ShapeUse[]): Uint8Array {
  const out = new ByteWriter()
  let last = 0
  for (const { shape, values, cases } of uses) {
    out.number(shape - last)
    out.number(2 * values + (cases ? 1 : 0))
    if (cases) writeAscending(out, cases)
    last = shape
  }
  return out.take()
}

export function* readUses(bytes: Uint8Array): Generator<ShapeUse> {
  const input = new ByteReader(bytes)
  for (let shape = 0; !input.done;) {
    shape += input.number()
    const values = input.number()
    yield { shape, values: Math.floor(values / 2), cases: values % 2 === 1 ? readAscending(input) : undefined }
  }
}

function writeAscending(out: ByteWriter, numbers: Uint32Array): void {
  out.number(numbers.length)
  let last = 0
  for (const number of numbers) {
    out.number(number - last)
    last = number
  }
}

function readAscending(input: ByteReader): Uint32Array {
  const numbers = new Uint32Array(input.count())
  let last = 0
  for (let i = 0; i < numbers.length; i++) numbers[i] = last += input.number()
  return numbers
}

export function writeHead(head: Head): Uint8Array {
  const out = new ByteWriter()
  out.number(head.ops.length)
  for (const { kind, tag, column, bytes } of head.ops) {
    for (const number of [kind, tag, column]) out.number(number)
    out.bytes(bytes)
  }
  out.number(head.templates.length)
  for (const template of head.templates) writeNumbers(out, template)
  for (const { rows, templates } of head.levels) {
    out.number(rows)
    writeNumbers(out, templates)
  }
  writeOperations(out, head)
  for (const numbers of [head.operationOf, head.statusOf, head.resourceOf, head.scopeOf]) writeNumbers(out, numbers)
  out.number(head.pages.length)
  for (const page of head.pages) {
    writePiece(out, page)
    out.number(page.first)
    out.number(page.raw)
  }
  for (const pieces of [head.traceFilter, head.valueFilter]) {
    out.number(pieces.length)
    for (const piece of pieces) writePiece(out, piece)
  }
  out.number(head.otherKeys ? 1 : 0)
  out.number(head.otherKeys?.length ?? 0)
  for (const key of head.otherKeys ?? []) out.bytes(Buffer.from(key))
  out.number(head.lastIds.length)
  for (const id of head.lastIds) out.raw(new Uint8Array(id.buffer, id.byteOffset, 16))
  out.number(head.chunks.length)
  for (const chunk of head.chunks) writeChunk(out, chunk)
  out.number(head.columns.length)
  for (const column of head.columns) out.bytes(columnBytes(column))
  return out.take()
}

function writeNumbers(out: ByteWriter, numbers: ArrayLike<number>): void {
  out.number(numbers.length)
  for (let i = 0; i < numbers.length; i++) out.number(numbers[i]!)
}

function writePiece(out: ByteWriter, { offset, length, crc }: Piece): void {
  for (const number of [offset, length, crc]) out.number(number)
}

function writeOperations(out: ByteWriter, { operations, names }: Head): void {
  const services = [...new Set(operations.map(({ service }) => service))]
  out.number(services.length)
  for (const service of services) out.bytes(Buffer.from(service))
  out.number(operations.length)
  for (const [i, { service, kind }] of operations.entries()) {
    out.number(services.indexOf(service))
    out.number(kind)
    out.bytes(names[i]!)
  }
}

function writeChunk(out: ByteWriter, chunk: Chunk): void {
  writePiece(out, chunk)
  for (const rows of chunk.rows) out.number(rows)
  out.number(chunk.pieces.size)
  // One after the other, so that their lengths say where they are.
  let last = 0
  for (const [column, { length, crc }] of chunk.pieces) {
    out.number(column - last)
    out.number(length)
    out.number(crc)
    last = column
  }
}

function columnBytes(column: HeadColumn): Uint8Array {
  const out = new ByteWriter()
  for (const number of [column.level, column.role, column.type]) out.number(number)
  out.bytes(column.name)
  for (const number of [column.coding, column.values, column.defaultCases]) out.number(number)
  out.number(column.cases.length)
  for (const { base, unit, width, high } of column.cases) {
    for (const number of [base, Math.log2(unit) % 1 === 0 ? 2 * Math.log2(unit) : 2 * unit + 1, width, high]) out.number(number)
  }
  out.number(column.patterns.length)
  for (const { holes } of column.patterns) {
    out.number(holes.length)
    for (const { kind, digits, min, width } of holes) for (const number of [kind, digits, min, width]) out.number(number)
  }
  for (const number of [column.texts, column.firstText]) out.number(number)
  out.bytes(column.uses)
  return out.take()
}

/** Throws RangeError where the bytes are no head. */
export function readHead(bytes: Uint8Array): Head {
  const input = new ByteReader(bytes)
  const list = <T>(read: () => T): T[] => Array.from({ length: input.count() }, read)
  const numbers = (): Uint32Array => Uint32Array.from(list(() => input.number()))
  const piece = (): Piece => ({ offset: input.number(), length: input.number(), crc: input.number() })
  const ops = list(() => ({
    kind: input.number() as OpKind,
    tag: input.number(),
    column: input.number(),
    bytes: input.bytes(),
  }))
  const templates = list(numbers)
  const levels = Array.from({ length: LEVELS }, () => ({ rows: input.number(), templates: numbers() }))
  const { operations, names } = readOperations(input, list)
  const [operationOf, statusOf, resourceOf, scopeOf] = [numbers(), numbers(), numbers(), numbers()]
  const pages = list(() => ({ ...piece(), first: input.number(), raw: input.number() }))
  const [traceFilter, valueFilter] = [list(piece), list(piece)]
  const known = input.number() === 1
  const otherKeys = list(() => decoder.decode(input.bytes()))
  const lastIds = list(() => input.words(4))
  const first = Array.from({ length: LEVELS }, () => 0)
  const chunks = list(() => readChunk(input, piece(), first))
  const columns = list(() => readColumn(input.bytes()))
  return {
    ops,
    templates,
    levels,
    operations,
    names,
    operationOf,
    statusOf: Uint8Array.from(statusOf),
    resourceOf,
    scopeOf,
    pages,
    traceFilter,
    valueFilter,
    otherKeys: known ? otherKeys : undefined,
    lastIds,
    chunks,
    columns,
  }
}

function readOperations(
  input: ByteReader,
  list: <T>(read: () => T) => T[],
): { operations: OperationKey[]; names: Uint8Array[] } {
  const services = list(() => decoder.decode(input.bytes()))
  const names: Uint8Array[] = []
  const operations = list(() => {
    const service = services[input.number()]
    if (service === undefined) throw new RangeError('an operation of no service')
    const kind = input.number()
    const name = input.bytes()
    names.push(name)
    return { service, name: decoder.decode(name), kind }
  })
  return { operations, names }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

function readChunk(input: ByteReader, piece: Piece, next: number[]): Chunk {
  const rows = Array.from({ length: LEVELS }, () => input.number())
  const first = [...next]
  for (let level = 0; level < LEVELS; level++) next[level]! += rows[level]!
  const pieces = new Map<number, Piece>()
  let { offset } = piece
  let column = 0
  for (let left = input.count(); left > 0; left--) {
    column += input.number()
    const length = input.number()
    pieces.set(column, { offset, length, crc: input.number() })
    offset += length
  }
  return { ...piece, first, rows, pieces }
}

function readColumn(bytes: Uint8Array): HeadColumn {
  const input = new ByteReader(bytes)
  const list = <T>(read: () => T): T[] => Array.from({ length: input.count() }, read)
  const [level, role, type] = [input.number() as LevelNumber, input.number() as Role, input.number()]
  const name = input.bytes()
  const [coding, values, defaultCases] = [input.number() as Coding, input.number(), input.number()]
  const cases = list(() => {
    const base = input.number()
    const unit = input.number()
    return { base, unit: unit % 2 === 0 ? 2 ** (unit / 2) : (unit - 1) / 2, width: input.number(), high: input.number() }
  })
  const patterns = list(() => {
    const holes = list(() => ({ kind: input.number(), digits: input.number(), min: input.number(), width: input.number() }))
    for (const { kind, width } of holes)
      if (kind === HOLE.decimal && width > 53) throw new RangeError(`a decimal of ${width} bits`)
    return { holes, width: holes.reduce((sum, { width }) => sum + width, 0) }
  })
  const [texts, firstText] = [input.number(), input.number()]
  return { level, role, type, name, coding, values, defaultCases, cases, patterns, texts, firstText, uses: input.bytes() }
}
