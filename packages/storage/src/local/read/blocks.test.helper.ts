import { requestOf, type SentSpan } from '../../conformance/spans.ts'
import { BlockBuilder } from '../block/builder.ts'
import type { BlockRows } from '../block/rows.ts'
import { encodeBlock, startRange } from '../files/index-file.ts'
import { encodeSection, type EncodedSection } from '../sealed/encode.ts'
import { Section } from '../sealed/section.ts'
import { readZones, zonesOf } from '../block/zones.ts'
import { bloomHas, TRACE_PROBES } from '../block/bloom.ts'
import type { Clock } from '../runtime.ts'
import type { SearchPage, SearchQuery, TraceSummary } from '../../contract.ts'
import { readCounts } from './aggregate/section-counts.ts'
import type { BlockSource } from './block-source.ts'
import type { Block } from './block.ts'
import { ByteCache } from './byte-cache.ts'
import type { OpenFiles } from './open-files.ts'
import { operationText, Pool, servicesText } from './pool.ts'
import { search } from './search.ts'
import { SummaryCache } from './summary-cache.ts'
import type { Turn } from './turn.ts'
import { extractMembers, traceRowsOf } from './trace-rows.ts'

/** What blocks of files read with, that remember only filters of traces; nobody hears what they tell. */
export function sourceOf(files: OpenFiles, traceFilterBytes = 1): BlockSource {
  return {
    files,
    columns: new ByteCache(1),
    traceFilters: new ByteCache(traceFilterBytes),
    frames: new ByteCache(1),
    operations: new Pool(operationText),
    texts: new Pool((text: string) => text),
    services: new Pool(servicesText),
    tell: () => {},
    missing: () => {},
  }
}

/** A block of these spans without files; each `frameSpans` of them are a frame. */
export function blockOf(spans: readonly SentSpan[], frameSpans = 64): Block {
  const builder = new BlockBuilder()
  const frames: Uint8Array[] = []
  for (let i = 0; i < spans.length; i += frameSpans) {
    const bytes = requestOf(spans.slice(i, i + frameSpans))
    builder.addFrame({
      rawStart: builder.rawLength,
      rawLength: bytes.length,
      offset: frames.push(bytes) - 1,
      length: 1,
    })
    builder.add(bytes)
  }
  const { rows } = builder
  const [minStart, maxStart] = startRange(rows)
  const [, , traces] = encodeBlock(rows, builder.hashes, 0, 0) as [Uint8Array, Uint8Array, Uint8Array]
  const filter = new Uint32Array(traces.slice().buffer)
  const block: Block = {
    spans: rows.count,
    minStart,
    maxStart,
    zones: zonesOf(rows),
    operations: rows.operations,
    damaged: false,
    mayHaveService: (service) => rows.operations.some((operation) => operation.service === service),
    mayHaveTrace: (hash) => bloomHas(filter, hash, TRACE_PROBES),
    mayHaveAttribute: () => true,
    rows: () => rows,
    traceRows(id) {
      return traceRowsOf(this.rows(), id)
    },
    values: () => undefined,
    spanBytes(of, members) {
      return extractMembers(of, members, (frame, use) => use(this.frame!(frame)))
    },
    frame: ({ offset }) => Buffer.from(frames[offset]!),
  }
  return block
}

/** The same, sealed. */
export function sealedOf(spans: readonly SentSpan[]): Block {
  return sealedBlockOf(encodeSection({ requests: [requestOf(spans)] }))
}

/** A block of a section. `change`: of its bytes. */
export function sealedBlockOf({ parts, meta }: EncodedSection, change: (bytes: Buffer) => void = () => {}): Block {
  const bytes = Buffer.concat(parts)
  change(bytes)
  const section = new Section(meta, (offset, length) => bytes.subarray(offset, offset + length))
  return {
    spans: section.spans,
    minStart: section.minStart,
    maxStart: section.maxStart,
    zones: readZones(meta),
    operations: section.operations,
    damaged: false,
    mayHaveService: (service) => section.mayHaveService(service),
    mayHaveTrace: (hash) => section.mayHaveTrace(hash),
    mayHaveAttribute: (hash) => section.mayHaveAttribute(hash),
    rows: () => section.rows(),
    traceRows: (id) => section.traceRows(id),
    extents: () => section.extents(),
    requests: () => section.requests(),
    counts: () => section.counts && readCounts(section.counts),
    values: (target) => section.values(target),
    spanBytes: (rows, members) => section.spanBytes(rows, members),
  }
}

/** A search's page in one piece. */
export async function searchPage(blocks: readonly Block[], query: SearchQuery, turn: Turn): Promise<SearchPage> {
  const traces: TraceSummary[] = []
  const end = await search(blocks, query, turn, new SummaryCache(), (event) => {
    if (event.type === 'traces') traces.push(...event.traces)
  })
  return { traces, ...end }
}

/** A clock that stands still unless somebody moves it. */
export class StillClock implements Clock {
  nowMs = 0
  /** The longest that passed between two looks at the clock. */
  longestMs = 0
  turns = 0
  /** Called when others have their turn. */
  onTurn = (): void => {}
  #looked = 0
  #timers: { readonly at: number; readonly run: () => void }[] = []

  wallMs(): number {
    return this.monotonicMs()
  }

  monotonicMs(): number {
    this.longestMs = Math.max(this.longestMs, this.nowMs - this.#looked)
    this.#looked = this.nowMs
    return this.nowMs
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.nowMs + ms, run }
    this.#timers.push(timer)
    return () => (this.#timers = this.#timers.filter((each) => each !== timer))
  }

  /** Lets time pass, and what was to happen in it. */
  pass(ms: number): void {
    this.nowMs += ms
    const due = this.#timers.filter(({ at }) => at <= this.nowMs)
    this.#timers = this.#timers.filter(({ at }) => at > this.nowMs)
    for (const { run } of due) run()
  }

  turn(): Promise<void> {
    this.turns++
    this.onTurn()
    return Promise.resolve()
  }
}

/** What things cost where time passes with what is looked at. Milliseconds. */
const ELEMENT_MS = 0.000_1
const BYTE_MS = 0.000_01
const FILTER_MS = 0.001

/** The block, with a price for each element of a column that is looked at, each byte of a frame and each question to a filter. */
export function priced(block: Block, clock: StillClock): Block {
  const rows = pricedRows(block.rows(), clock)
  const ask =
    (question: (hash: number) => boolean) =>
    (hash: number): boolean => {
      clock.nowMs += FILTER_MS
      return question(hash)
    }
  return {
    ...block,
    mayHaveTrace: ask((hash) => block.mayHaveTrace(hash)),
    mayHaveAttribute: (hash, level) => {
      clock.nowMs += FILTER_MS
      return block.mayHaveAttribute(hash, level)
    },
    rows() {
      clock.nowMs += 0.1
      return rows
    },
    frame(frame) {
      clock.nowMs += BYTE_MS * frame.rawLength
      return block.frame!(frame)
    },
  }
}

type Column = Uint32Array | Int32Array | Uint8Array | Float64Array

function pricedRows(rows: BlockRows, clock: StillClock): BlockRows {
  const columns = Object.entries(rows).map(([name, value]) => [
    name,
    ArrayBuffer.isView(value) ? pricedColumn(value as Column, clock) : value,
  ])
  return Object.fromEntries(columns) as BlockRows
}

/** The column, with a price for each element of it that is looked at. */
export function pricedColumn<T extends Column>(column: T, clock: StillClock): T {
  return new Proxy(column, {
    get(target, name) {
      if (typeof name === 'string' && name.charCodeAt(0) < 0x3a) {
        clock.nowMs += ELEMENT_MS
        return target[Number(name)]
      }
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        const result = Reflect.apply(value, target, args) as unknown
        // `indexOf` goes as far as it finds something, some elements a nanosecond.
        if (name === 'indexOf') clock.nowMs += (ELEMENT_MS / 100) * Math.abs((result as number) - Number(args[1] ?? 0))
        return result
      }
    },
  })
}

/** What a span may have that makes it another one than `{ trace: 1, id: 1, service: 'shop', name: 'call' }`, though it is of the same trace. */
export const OTHERS = [
  ['id', { id: 2 }],
  ['parent', { parent: 7 }],
  ['duration', { ms: 2 }],
  ['status', { status: 2 }],
  ['name', { name: 'other' }],
  ['service', { service: 'bank' }],
  ['kind', { kind: 3 }],
  ['start', { at: 0.000_001 }],
] as const
