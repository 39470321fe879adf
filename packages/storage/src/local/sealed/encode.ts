import { crc32 } from 'node:zlib'
import { bloomAdd, createBloom, TRACE_BITS, TRACE_PROBES } from '../block/bloom.ts'
import { hashWords } from '../block/hash.ts'
import { metaOf } from './bounds.ts'
import { ChunkWriter } from './chunk-writer.ts'
import { codeColumns, numberRuns } from './code-columns.ts'
import {
  EVENT_HEADERS,
  LEVEL,
  LEVELS,
  REQUEST_HEADERS,
  SPAN_HEADERS,
  TRACE_HEADERS,
  type ColumnName,
  type LevelNumber,
} from './column.ts'
import { Columns } from './columns.ts'
import { pack } from './compression.ts'
import type { EncodedColumn } from './encoded-column.ts'
import { EncodedTable } from './encoded-table.ts'
import { Entries } from './entries.ts'
import { writeHead, type HeadParts } from './head.ts'
import { reordered } from './level-rows.ts'
import { Numbers } from './number-column.ts'
import { inPieces } from './pieces.ts'
import type { SectionMeta } from './section-meta.ts'
import { Shapes } from './shapes.ts'
import type { Hold } from './specimen.ts'
import { readSource, type Source, type SourceInput } from './source.ts'
import { setDifference, spanHeaders } from './span-headers.ts'
import { Templates } from './template.ts'
import { textStart } from './text-cases.ts'
import { TextPages, type Page, type Piece } from './text-pages.ts'
import { traceFacts } from './trace-facts.ts'
import { attributesOf, writeFilter } from './value-filter.ts'
import { Walker } from './walk.ts'

export interface SectionInput extends SourceInput {
  /** Every span is kept as it came, without columns for what is in it. Default: false. */
  readonly whole?: boolean
}

export interface EncodedSection {
  /** To be written one after the other. */
  readonly parts: readonly Uint8Array[]
  readonly meta: SectionMeta
  /** What it was made from. */
  readonly source: Source
}

/** A section of these spans. Throws OtlpError for a request that is malformed. */
export function encodeSection({ whole = false, ...input }: SectionInput): EncodedSection {
  const { hold } = input
  const source = readSource(input)
  const columns = new Columns()
  const templates = new Templates()
  const entries = new Entries(source.bytes)
  const { walker, eventsOf } = walk(source, new Walker(entries, columns, templates), whole)
  const runs = numberRuns(columns, walker.rows[LEVEL.span]!, templates, hold)
  const encoded = codeColumns(columns, entries, walker.rows[LEVEL.span]!, runs)
  const column = (name: ColumnName): EncodedColumn =>
    encoded[columns.number(name.level, name.role, name.type, name.name)]!

  const parts = new Parts()
  const { tables, shapes } = tablesOf(source, walker, eventsOf, encoded, column, templates, hold)
  const chunkWriter = new ChunkWriter(source, tables, encoded, column, eventsOf, parts.add)
  const chunks = chunkWriter.write()
  const { pages, firstTexts } = writeTexts(encoded, entries, parts)
  const { hashes, otherKeys } = attributesOf(entries, columns, hold)
  const filters = { traceFilter: writeTraceFilter(source, parts), attributeFilter: writeFilter(hashes, parts.add) }

  const numbers = new Map<number, number>()
  const templateOf = (node: number): number => {
    const known = numbers.get(node) ?? numbers.size
    numbers.set(node, known)
    return known
  }
  const levels = tables.map(({ count }, level) => ({
    rows: count,
    templates: Uint32Array.from(shapes[level]!.nodes, templateOf),
  }))
  const head = writeHead({
    ops: templates.ops,
    templates: [...numbers.keys()].map((node) => templates.path(node)),
    levels,
    operationOf: shapes[LEVEL.span]!.operations,
    statusOf: shapes[LEVEL.span]!.statuses,
    operations: source.operations,
    names: source.names,
    groups: source.groups,
    pages,
    ...filters,
    otherKeys: otherKeys && [...otherKeys],
    ...chunks,
    columns: encoded.map((one, i) => headColumn(one, tables, firstTexts[i]!)),
  })
  hold?.(
    source,
    columns,
    templates,
    entries,
    walker,
    eventsOf,
    runs,
    encoded,
    tables,
    shapes,
    chunkWriter,
    chunks,
    pages,
    filters,
    levels,
  )
  const packed = pack(head)
  const offset = parts.add(packed)
  return {
    source,
    parts: parts.list,
    meta: {
      ...metaOf(source, hold),
      length: parts.length,
      head: { offset, length: packed.length, crc: crc32(packed), raw: head.length },
      traceFilter: filters.traceFilter,
    },
  }
}

/** What is written, one after the other. */
class Parts {
  readonly list: Uint8Array[] = []
  length = 0
  /** Returns the offset. */
  readonly add = (bytes: Uint8Array): number => {
    this.list.push(bytes)
    this.length += bytes.length
    return this.length - bytes.length
  }
}

/** `eventsOf`: by place, how many events and links there are up to and with that span. */
interface Walked {
  readonly walker: Walker
  readonly eventsOf: { readonly [LEVEL.event]: Uint32Array; readonly [LEVEL.link]: Uint32Array }
}

function walk(source: Source, walker: Walker, whole: boolean): Walked {
  const { columns, order, kept, resources, scopes } = source
  for (const { start, end } of resources) walker.add(LEVEL.resource, start, end)
  for (const { start, end } of scopes) walker.add(LEVEL.scope, start, end)
  const placeOf = new Uint32Array(columns.count)
  inPieces(order.length, (from, to) => invert(order, from, to, placeOf))
  const ends = { [LEVEL.event]: new Uint32Array(kept.length), [LEVEL.link]: new Uint32Array(kept.length) }
  // As they came, what follows one another is alike, and lies together; by trace it is neither.
  inPieces(kept.length, (from, to) => {
    walker.addSpans(columns, kept, placeOf, from, to, whole, ends[LEVEL.event], ends[LEVEL.link])
  })
  const places = reordered(placeOf, kept)
  const cameAs = new Uint32Array(kept.length)
  inPieces(kept.length, (from, to) => invert(places, from, to, cameAs))
  return { walker, eventsOf: walker.reorder(cameAs, ends) }
}

/** Puts the index of each number. */
function invert(numbers: Uint32Array, from: number, to: number, indexes: Uint32Array): void {
  for (let i = from; i < to; i++) indexes[numbers[i]!] = i
}

function tablesOf(
  source: Source,
  walker: Walker,
  eventsOf: Walked['eventsOf'],
  encoded: readonly EncodedColumn[],
  column: (name: ColumnName) => EncodedColumn,
  templates: Templates,
  hold?: Hold,
): { tables: EncodedTable[]; shapes: Shapes[] } {
  const spans = spanHeaders(source)
  const facts = traceFacts(source, hold)
  hold?.(spans)
  const times = eventTimes(source, walker, eventsOf[LEVEL.event])
  const headers: Partial<Record<LevelNumber, readonly EncodedColumn[]>> = {
    [LEVEL.span]: withSizes(SPAN_HEADERS.slice(0, 3).map(column), [spans.start, spans.duration, spans.parent]),
    [LEVEL.event]: withSizes(EVENT_HEADERS.map(column), [times]),
    [LEVEL.trace]: withSizes([...TRACE_HEADERS, ...REQUEST_HEADERS].map(column), [
      facts.rows,
      facts.errors,
      facts.start,
      facts.end,
      facts.over,
      facts.longest,
      facts.first,
      facts.root,
      facts.request,
      facts.requestRow,
    ]),
  }
  const group = column(SPAN_HEADERS[3]!)
  group.uses = source.order.length
  group.setIdentity(spans.group, source.groups.length)
  const shapes = Array.from({ length: LEVELS }, () => new Shapes(templates.nodes))
  const tables = shapes.map((own, level) => {
    const rows = walker.rows[level]
    if (!rows) {
      const traces = source.first.length - 1
      return new EncodedTable(traces, new Uint32Array(traces), Math.min(1, traces), headers[LEVEL.trace]!)
    }
    const shape = new Uint32Array(rows.count)
    const spansOf = level === LEVEL.span ? source : undefined
    inPieces(rows.count, (from, to) => own.putAll(rows.node, from, to, shape, spansOf))
    const ofShape = own.nodes.map((node) => templates.columns(node).map((one) => encoded[one]!))
    const own_ = level === LEVEL.span ? [...headers[LEVEL.span]!, group] : (headers[level as LevelNumber] ?? [])
    return new EncodedTable(rows.count, shape, own.nodes.length, own_, { rows, ofShape })
  })
  return { tables, shapes }
}

function withSizes(columns: readonly EncodedColumn[], numbers: readonly Numbers[]): readonly EncodedColumn[] {
  for (const [i, column] of columns.entries()) {
    column.uses = numbers[i]!.length
    column.setSizes(numbers[i]!, numbers[i]!.length)
  }
  return columns
}

/** Nanoseconds after the start of its span. */
function eventTimes(source: Source, walker: Walker, events: Uint32Array): Numbers {
  const times = new Numbers(walker.rows[LEVEL.event]!.count)
  inPieces(source.order.length, (from, to) => putTimes(source, walker, events, from, to, times))
  return times
}

function putTimes(
  { columns, order }: Source,
  { eventTimeLo, eventTimeHi }: Walker,
  events: Uint32Array,
  from: number,
  to: number,
  times: Numbers,
): void {
  const { startLo, startHi } = columns
  let event = from === 0 ? 0 : events[from - 1]!
  for (let place = from; place < to; place++) {
    const row = order[place]!
    for (; event < events[place]!; event++)
      setDifference(times, event, eventTimeLo[event]!, eventTimeHi[event]!, startLo[row]!, startHi[row]!)
  }
}

/** Columns with few texts first, so that most of what a trace has is on few pages. */
function writeTexts(
  encoded: readonly EncodedColumn[],
  entries: Entries,
  parts: Parts,
): { pages: readonly Page[]; firstTexts: number[] } {
  const pages = new TextPages(parts.add)
  const firstTexts: number[] = encoded.map(() => 0)
  const sizes = encoded.map(({ text }) => {
    let size = 0
    if (text) size = entries.lengthOf(text.texts)
    return size
  })
  const order = encoded.map((_, i) => i).sort((a, b) => sizes[a]! - sizes[b]!)
  for (const i of order) {
    const { text, name } = encoded[i]!
    if (!text) continue
    firstTexts[i] = pages.count
    for (const { bytes } of text.patterns) pages.add(bytes)
    for (let k = 0; k < text.texts.length; k++) {
      const entry = text.texts[k]!
      pages.addFrom(entries.bytes, textStart(name, entries.bytes, entries.start(entry)), entries.end(entry))
    }
  }
  pages.finish()
  return { pages: pages.pages, firstTexts }
}

function writeTraceFilter({ columns, order, first }: Source, parts: Parts): Piece {
  const words = new Uint32Array(columns.traceId.buffer, columns.traceId.byteOffset, 4 * columns.count)
  const filter = createBloom(first.length - 1, TRACE_BITS)
  inPieces(first.length - 1, (from, to) => addTraces(words, order, first, from, to, filter))
  const bytes = new Uint8Array(filter.buffer)
  return { offset: parts.add(bytes), length: bytes.length, crc: crc32(bytes) }
}

function addTraces(
  words: Uint32Array,
  order: Uint32Array,
  first: Uint32Array,
  from: number,
  to: number,
  filter: Uint32Array,
): void {
  for (let trace = from; trace < to; trace++) {
    const at = 4 * order[first[trace]!]!
    bloomAdd(filter, hashWords(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!), TRACE_PROBES)
  }
}

function headColumn(
  column: EncodedColumn,
  tables: readonly EncodedTable[],
  firstText: number,
): HeadParts['columns'][0] {
  const { name, coding, uses, defaultCases, cases, text } = column
  const own = tables[name.level]!.uses.get(column) ?? []
  return {
    ...name,
    coding,
    values: uses,
    defaultCases,
    cases,
    patterns: text?.patterns ?? [],
    texts: text?.texts.length ?? 0,
    firstText,
    uses: own,
  }
}
