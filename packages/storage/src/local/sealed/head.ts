import type { OperationKey } from '../block/rows.ts'
import { ByteReader, ByteWriter } from './bytes.ts'
import { LEVELS, type Coding, type ColumnName, type LevelNumber, type Role } from './column.ts'
import { writeUses, type ShapeUse } from './column-uses.ts'
import { RAW, type NumberCase } from './number-column.ts'
import { HOLE } from './pattern.ts'
import type { Op, OpKind } from './template.ts'
import type { Hole } from './text-cases.ts'
import type { Page, Piece } from './text-pages.ts'

/*
 * The head of a section: what all its columns are and where their pieces lie. Numbers are varints, byte strings have their length before them.
 *
 *   head      := ops, templates, levels, operations, groups, pages, filter pieces, keys, trace ids, chunks, columns
 *   column    := byte string, so that a reader steps over what it does not know or need; templates and the pieces of chunks, too
 *
 * A later version may add columns, and parts at the end; it changes nothing that is there.
 */

/** Whose columns' pieces lie side by side: some rows of each level. */
export interface Chunk extends Piece {
  /** By level: the first row, and how many there are. */
  readonly first: readonly number[]
  readonly rows: readonly number[]
  /** Where a column's bits are in the section; undefined: it has none here. */
  piece(column: number): Piece | undefined
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
  /** By shape that has values: see `column-uses.ts`. */
  readonly uses: Uint8Array
}

/** A pattern without its text. */
export interface HeadPattern {
  readonly holes: readonly Omit<Hole, 'offset'>[]
  /** Bits of a rest. */
  readonly width: number
}

export interface HeadLevel {
  readonly rows: number
  /** By shape: its template. */
  readonly templates: Uint32Array
}

/** What is written. */
export interface HeadParts {
  readonly ops: readonly Op[]
  readonly templates: readonly (readonly number[])[]
  readonly levels: readonly HeadLevel[]
  /** By shape of spans. */
  readonly operationOf: readonly number[]
  readonly statusOf: readonly number[]
  readonly operations: readonly OperationKey[]
  /** The names as they came. */
  readonly names: readonly Uint8Array[]
  /** By group: the row of its resource, and of its scope. */
  readonly groups: readonly { readonly resource: number; readonly scope: number }[]
  readonly pages: readonly Page[]
  readonly traceFilter: Piece
  readonly attributeFilter: readonly Piece[]
  /** Attribute keys that are no column's; undefined: there are too many. */
  readonly otherKeys: readonly string[] | undefined
  /** Of each chunk that has traces: the last trace id. */
  readonly lastIds: readonly Uint32Array[]
  readonly chunks: readonly WrittenChunk[]
  readonly columns: readonly (Omit<HeadColumn, 'uses'> & { readonly uses: readonly ShapeUse[] })[]
}

/** Pieces by column, ascending; their bytes follow one another. */
export interface WrittenChunk extends Piece {
  readonly rows: readonly number[]
  readonly pieces: ReadonlyMap<number, Pick<Piece, 'length' | 'crc'>>
}

export function writeHead(head: HeadParts): Uint8Array {
  const out = new ByteWriter()
  out.number(head.ops.length)
  for (const { kind, tag, column, bytes } of head.ops) {
    for (const number of [kind, tag, column]) out.number(number)
    out.bytes(bytes)
  }
  out.number(head.templates.length)
  for (const template of head.templates) out.bytes(numberBytes(template))
  for (const { rows, templates } of head.levels) {
    out.number(rows)
    writeNumbers(out, templates)
  }
  writeNumbers(out, head.operationOf)
  writeNumbers(out, head.statusOf)
  writeOperations(out, head)
  writeNumbers(
    out,
    head.groups.map(({ resource }) => resource),
  )
  writeNumbers(
    out,
    head.groups.map(({ scope }) => scope),
  )
  out.number(head.pages.length)
  for (const page of head.pages) {
    writePiece(out, page)
    out.number(page.first)
    out.number(page.raw)
  }
  writePiece(out, head.traceFilter)
  out.number(head.attributeFilter.length)
  for (const piece of head.attributeFilter) writePiece(out, piece)
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

function numberBytes(numbers: readonly number[]): Uint8Array {
  const out = new ByteWriter(64)
  writeNumbers(out, numbers)
  return out.take()
}

function writePiece(out: ByteWriter, { offset, length, crc }: Piece): void {
  for (const number of [offset, length, crc]) out.number(number)
}

function writeOperations(out: ByteWriter, { operations, names }: HeadParts): void {
  const services = new Map<string, number>()
  for (const { service } of operations) if (!services.has(service)) services.set(service, services.size)
  out.number(services.size)
  for (const service of services.keys()) out.bytes(Buffer.from(service))
  out.number(operations.length)
  for (const [i, { service, kind }] of operations.entries()) {
    out.number(services.get(service)!)
    out.number(kind)
    out.bytes(names[i]!)
  }
}

function writeChunk(out: ByteWriter, chunk: WrittenChunk): void {
  writePiece(out, chunk)
  for (const rows of chunk.rows) out.number(rows)
  const pieces = new ByteWriter()
  let last = 0
  for (const [column, { length, crc }] of chunk.pieces) {
    for (const number of [column - last, length, crc]) pieces.number(number)
    last = column
  }
  out.bytes(pieces.take())
}

function columnBytes(column: HeadParts['columns'][0]): Uint8Array {
  const out = new ByteWriter()
  for (const number of [column.level, column.role, column.type]) out.number(number)
  out.bytes(column.name)
  for (const number of [column.coding, column.values, column.defaultCases]) out.number(number)
  out.number(column.cases.length)
  for (const { base, unit, width, high } of column.cases) {
    const power = Math.log2(unit)
    for (const number of [base, power % 1 === 0 ? 2 * power : 2 * unit + 1, width, high]) out.number(number)
  }
  out.number(column.patterns.length)
  for (const { holes } of column.patterns) {
    out.number(holes.length)
    for (const { kind, digits, min, width } of holes)
      for (const number of [kind, digits, min, width]) out.number(number)
  }
  for (const number of [column.texts, column.firstText]) out.number(number)
  out.bytes(writeUses(column.uses))
  return out.take()
}

/** A head that was read. What a query may not need is read when it is asked for. Throws RangeError where the bytes are no head. */
export class Head {
  readonly ops: readonly Op[]
  readonly levels: readonly HeadLevel[]
  readonly operationOf: Uint32Array
  readonly statusOf: Uint8Array
  readonly names: readonly Uint8Array[]
  readonly resourceOf: Uint32Array
  readonly scopeOf: Uint32Array
  readonly pages: readonly Page[]
  readonly traceFilter: Piece
  readonly attributeFilter: readonly Piece[]
  readonly otherKeys: readonly string[] | undefined
  readonly lastIds: readonly Uint32Array[]
  readonly chunks: readonly Chunk[]
  /** The names of all columns, by number. */
  readonly columns: readonly ColumnName[]
  readonly #templates: readonly Uint8Array[]
  readonly #services: readonly Uint8Array[]
  readonly #operations: readonly (readonly [service: number, kind: number])[]
  readonly #columnBytes: readonly Uint8Array[]

  constructor(bytes: Uint8Array) {
    const input = new ByteReader(bytes)
    this.ops = listOf(input, readOp)
    this.#templates = listOf(input, readBytes)
    this.levels = Array.from({ length: LEVELS }, () => ({ rows: input.number(), templates: input.numbers() }))
    this.operationOf = input.numbers()
    this.statusOf = Uint8Array.from(input.numbers())
    this.#services = listOf(input, readBytes)
    const names: Uint8Array[] = []
    this.#operations = listOf(input, () => {
      const operation = [input.number(), input.number()] as const
      names.push(input.bytes())
      return operation
    })
    this.names = names
    this.resourceOf = input.numbers()
    this.scopeOf = input.numbers()
    this.pages = listOf(input, readPage)
    this.traceFilter = readPiece(input)
    this.attributeFilter = listOf(input, readPiece)
    const isKnown = input.number() === 1
    const keys = listOf(input, readBytes)
    this.otherKeys = isKnown ? keys.map((key) => decoder.decode(key)) : undefined
    this.lastIds = listOf(input, () => input.words(4))
    const next = Array.from({ length: LEVELS }, () => 0)
    this.chunks = listOf(input, () => readChunk(input, next))
    this.#columnBytes = listOf(input, readBytes)
    this.columns = this.#columnBytes.map((column) => readName(new ByteReader(column)))
    this.#check()
  }

  #check(): void {
    const spans = this.levels[0]!
    const isSound =
      this.operationOf.length === spans.templates.length &&
      this.statusOf.length === spans.templates.length &&
      this.operationOf.every((operation) => operation < this.names.length) &&
      this.resourceOf.length === this.scopeOf.length &&
      this.levels.every(
        ({ rows, templates }, level) =>
          templates.every((template) => template < this.#templates.length) &&
          this.chunks.reduce((sum, chunk) => sum + chunk.rows[level]!, 0) === rows,
      )
    if (!isSound) throw new RangeError('the parts of a head do not fit')
  }

  get operations(): OperationKey[] {
    const services = this.#services.map((service) => decoder.decode(service))
    return this.#operations.map(([service, kind], i) => {
      const name = services[service]
      if (name === undefined) throw new RangeError('an operation of no service')
      return { service: name, name: decoder.decode(this.names[i]), kind }
    })
  }

  template(number: number): Op[] {
    const numbers = new ByteReader(this.#templates[number]!).numbers()
    const ops: Op[] = []
    for (let i = 0; i < numbers.length; i++) {
      const op = this.ops[numbers[i]!]
      if (!op) throw new RangeError(`op ${numbers[i]} of ${this.ops.length}`)
      ops.push(op)
    }
    return ops
  }

  column(number: number): HeadColumn {
    const bytes = this.#columnBytes[number]
    if (!bytes) throw new RangeError(`column ${number} of ${this.columns.length}`)
    return readColumn(bytes)
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

function listOf<T>(input: ByteReader, read: (input: ByteReader) => T): T[] {
  const list: T[] = []
  for (let left = input.count(); left > 0; left--) list.push(read(input))
  return list
}

function readBytes(input: ByteReader): Uint8Array {
  return input.bytes()
}

function readOp(input: ByteReader): Op {
  return { kind: input.number() as OpKind, tag: input.number(), column: input.number(), bytes: input.bytes() }
}

function readPiece(input: ByteReader): Piece {
  return { offset: input.number(), length: input.number(), crc: input.number() }
}

function readPage(input: ByteReader): Page {
  return { ...readPiece(input), first: input.number(), raw: input.number() }
}

function readName(input: ByteReader): ColumnName {
  return {
    level: input.number() as LevelNumber,
    role: input.number() as Role,
    type: input.number(),
    name: input.bytes(),
  }
}

function readChunk(input: ByteReader, next: number[]): Chunk {
  const { offset, length, crc } = readPiece(input)
  const rows = Array.from({ length: LEVELS }, () => input.number())
  const first = [...next]
  for (let level = 0; level < LEVELS; level++) next[level]! += rows[level]!
  const bytes = input.bytes()
  let pieces: (Piece | undefined)[] | undefined
  return { offset, length, crc, rows, first, piece: (column) => (pieces ??= readPieces(bytes, offset))[column] }
}

function readPieces(bytes: Uint8Array, offset: number): (Piece | undefined)[] {
  const input = new ByteReader(bytes)
  const pieces: (Piece | undefined)[] = []
  for (let at = offset; !input.done;) {
    const gap = input.number()
    const column = pieces.length === 0 ? gap : pieces.length - 1 + gap
    if (column > MAX_COLUMN) throw new RangeError(`column ${column}`)
    while (pieces.length < column) pieces.push(undefined)
    const piece = { offset: at, length: input.number(), crc: input.number() }
    pieces[column] = piece
    at += piece.length
  }
  return pieces
}

/** More than there ever are. */
const MAX_COLUMN = 1 << 16

function readColumn(bytes: Uint8Array): HeadColumn {
  const input = new ByteReader(bytes)
  const name = readName(input)
  const [coding, values, defaultCases] = [input.number() as Coding, input.number(), input.number()]
  const cases = listOf(input, readCase)
  const patterns = listOf(input, readPattern)
  const [texts, firstText] = [input.number(), input.number()]
  return { ...name, coding, values, defaultCases, cases, patterns, texts, firstText, uses: input.bytes() }
}

function readCase(input: ByteReader): NumberCase {
  const base = input.number()
  const power = input.number()
  const unit = power % 2 === 0 ? 2 ** (power / 2) : (power - 1) / 2
  const [width, high] = [input.number(), input.number()]
  if (width > 53 && width !== RAW) throw new RangeError(`a number of ${width} bits`)
  return { base, unit, width, high }
}

function readPattern(input: ByteReader): HeadPattern {
  let total = 0
  const holes = listOf(input, () => {
    const [kind, digits, min, width] = [input.number(), input.number(), input.number(), input.number()]
    const isSound = kind === HOLE.decimal ? width <= 53 : width === (kind === HOLE.hex ? 4 : 8) * digits
    if (!isSound) throw new RangeError(`a hole of ${width} bits for ${digits} characters`)
    total += width
    return { kind, digits, min, width }
  })
  return { holes, width: total }
}
