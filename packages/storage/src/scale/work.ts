import assert from 'node:assert/strict'
import type {
  AggregateEnd,
  AggregateQuery,
  Aggregates,
  Bottleneck,
  BottleneckQuery,
  Dependencies,
  ErrorGroups,
  ErrorGroupsQuery,
  Filter,
  Flame,
  FlameQuery,
  HeatMap,
  HeatMapQuery,
  SearchEvent,
  SearchPage,
  SearchQuery,
  TraceSummary,
} from '../contract.ts'
import { MS, T0, traceId } from '../conformance/spans.ts'
import { nodeFileSystem } from '../local/files/file-system.ts'
import { settingsOf } from '../local/options.ts'
import { aggregate } from '../local/read/aggregate/aggregate.ts'
import { bottleneck } from '../local/read/aggregate/bottleneck.ts'
import { errorGroups } from '../local/read/aggregate/error-groups.ts'
import { flame } from '../local/read/aggregate/flame.ts'
import { heatMap } from '../local/read/aggregate/heat-map.ts'
import { arrivals, type Arrivals } from '../local/read/arrivals.ts'
import { Catalog } from '../local/read/catalog.ts'
import { dependencies } from '../local/read/dependencies.ts'
import { KeptHits } from '../local/read/kept-hits.ts'
import { KeptParts } from '../local/read/kept-parts.ts'
import { search } from '../local/read/search.ts'
import { SummaryCache } from '../local/read/summary-cache.ts'
import { traceWords } from '../local/read/trace-parts.ts'
import { TraceStream } from '../local/read/trace-stream.ts'
import { Turn } from '../local/read/turn.ts'
import { systemClock } from '../local/runtime.ts'
import { ReadOnlyIngest } from '../local/tools/read-only.ts'
import { orderOf, RARE, RARE_NAME, SPANS_PER_TRACE, startOf } from './corpus.ts'

/** What a question cost: spans whose columns were looked at, bytes that were read from disk, and values that were compared. */
interface Work {
  readonly spans: number
  readonly bytes: number
  readonly values: number
}

/** What sealed blocks have of a request: the ids of its trace, twice, and of its span, with those of all others of the trace, and some numbers. */
const BYTES_PER_REQUEST = 200

/** What a sealed section has of what a span comes to, and the ids of traces of it and of one that has some of its time. */
const BYTES_PER_COUNTED = 6

/** A store that is open in this thread, so that what its questions cost can be told. */
class Opened {
  readonly spans: number
  readonly blocks: number
  /** Spans of a block, about. */
  readonly blockSpans: number
  /** Whether all of it is sealed. */
  readonly hasColumns: boolean
  /** What is looked at of a trace where only its longest span or its extent is asked for, in the place of its spans. */
  readonly looksPerTrace: number
  readonly #catalog: Catalog
  readonly #summaries = new SummaryCache()

  private constructor(catalog: Catalog) {
    this.#catalog = catalog
    const blocks = catalog.blocks(new Turn(systemClock, Infinity))
    this.blocks = blocks.length
    this.spans = blocks.reduce((sum, block) => sum + block.spans, 0)
    this.blockSpans = Math.max(...blocks.map((block) => block.spans))
    this.hasColumns = blocks.every((block) => 'extents' in block)
    this.looksPerTrace = this.hasColumns ? 1 : SPANS_PER_TRACE
  }

  static async open(directory: string, cacheBytes: number): Promise<Opened> {
    const settings = settingsOf({ directory, cacheBytes, readOnly: true })
    const nobody = { post() {}, onMessage() {}, receive: () => undefined, close() {} }
    const ingest = new ReadOnlyIngest(settings, nodeFileSystem, systemClock, nobody)
    ingest.open()
    const catalog = new Catalog(nodeFileSystem, systemClock, settings.directory, cacheBytes, {
      tell() {},
      switched() {},
      held() {},
      users: () => [],
    })
    for (const change of ingest.all()) catalog.apply(change)
    await catalog.load(new Turn(systemClock, Infinity))
    return new Opened(catalog)
  }

  #turn(): Turn {
    return new Turn(systemClock, Infinity, { meter: () => this.#catalog.bytesRead })
  }

  async search(query: SearchQuery, hits?: KeptHits): Promise<SearchPage & Work> {
    const turn = this.#turn()
    const traces: TraceSummary[] = []
    const tell = (event: SearchEvent): void => {
      if (event.type === 'traces') traces.push(...event.traces)
    }
    const end = await search(this.#catalog.blocks(turn), query, turn, this.#summaries, tell, hits)
    assert.equal(end.complete, true)
    return { ...end, traces, spans: end.spansScanned, bytes: end.bytesRead, values: turn.values }
  }

  aggregate(query: AggregateQuery, kept?: KeptParts): Promise<Aggregates> {
    const turn = this.#turn()
    return aggregate(this.#catalog.blocks(turn), query, turn, undefined, kept)
  }

  async dependencies(kept: KeptParts): Promise<Dependencies & Work> {
    const turn = this.#turn()
    const found = await dependencies(this.#catalog.blocks(turn), { from: 0n, to: 1n << 64n, links: true }, turn, kept)
    return { ...found, spans: turn.spans, bytes: turn.bytesRead, values: turn.values }
  }

  bottleneck(query: BottleneckQuery): Promise<Bottleneck> {
    const turn = this.#turn()
    return bottleneck(this.#catalog.blocks(turn), query, turn)
  }

  flame(query: FlameQuery): Promise<Flame> {
    const turn = this.#turn()
    return flame(this.#catalog.blocks(turn), query, turn)
  }

  /** A look of a tail at the last `spans` of the store. */
  async look(spans: number): Promise<Arrivals & { readonly looks: number; readonly bytes: number }> {
    const turn = this.#turn()
    const segments = this.#catalog.segments(turn)
    const { id, blocks } = segments.at(-1)!
    const rows = blocks.reduce((sum, block) => sum + block.spans, 0) - spans
    const position = { segment: id, rows, told: new Uint32Array() }
    const found = await arrivals(segments, {}, position, this.#summaries, turn)
    return { ...found, looks: turn.spans, bytes: turn.bytesRead }
  }

  errorGroups(query: ErrorGroupsQuery): Promise<ErrorGroups> {
    const turn = this.#turn()
    return errorGroups(this.#catalog.blocks(turn), query, turn)
  }

  heatMap(query: HeatMapQuery, kept?: KeptParts): Promise<HeatMap> {
    const turn = this.#turn()
    return heatMap(this.#catalog.blocks(turn), query, turn, undefined, kept)
  }

  async trace(id: string): Promise<Work & { readonly found: boolean }> {
    const turn = this.#turn()
    const stream = new TraceStream(this.#catalog.blocks(turn), traceWords(id))
    let found = false
    for (;;) {
      const { chunks, done } = await stream.next(turn)
      found ||= chunks.length > 0
      if (done) return { spans: turn.spans, bytes: turn.bytesRead, values: turn.values, found }
    }
  }

  close(): void {
    this.#catalog.reset()
  }
}

/** Of what is read, most does not fit. */
const CACHE_BYTES = 4 << 20
/** What a reader keeps of what conditions have found, by default a little more. */
const HITS_BYTES = 2 << 20
/** Blocks that a question may look into though nothing in them is asked for: what filters let through by mistake, and where traces go over from one into the next. */
const SPARE_BLOCKS = 3

const eq = (attribute: string, value: string): Filter => ({ op: 'eq', target: { attribute }, value })

/**
 * Asks a store that {@link fill} has filled what users ask, and checks how much of it was looked at and read: the same for a hundred thousand spans and for
 * ten million, but where the words say otherwise. Throws AssertionError. `log` hears each figure.
 */
export async function checkWork(directory: string, log: (line: string) => void = () => {}): Promise<void> {
  const store = await Opened.open(directory, CACHE_BYTES)
  const traces = Math.floor(store.spans / SPANS_PER_TRACE)
  const few = SPARE_BLOCKS * store.blockSpans

  /** Asks twice, and checks the second time, when what is always needed is at hand. */
  async function costs(name: string, query: SearchQuery, spans: number, bytes = Infinity): Promise<SearchPage & Work> {
    await store.search(query)
    const page = await store.search(query)
    log(
      `${name}: ${page.spans} spans looked at of ${Math.round(spans)}, ${page.bytes} bytes read, ${page.values} values compared`,
    )
    assert.ok(page.spans <= spans, `${name}: ${page.spans} spans were looked at, at most ${spans} should be`)
    assert.ok(page.bytes <= bytes, `${name}: ${page.bytes} bytes were read, at most ${bytes} should be`)
    return page
  }

  await costs('the latest 20', {}, few, 0)
  await costs(
    'the latest 20 of a service',
    { filter: { op: 'eq', target: { field: 'service' }, value: 'service-3' } },
    few,
    0,
  )
  await costs('the latest 20 with a common attribute', { filter: eq('tenant', 'tenant-4') }, few)
  await costs('a duration that no span has', { filter: { op: 'gt', target: { field: 'duration' }, value: 1e12 } }, 0, 0)
  await costs(
    'a service that there is not',
    { filter: { op: 'eq', target: { field: 'service' }, value: 'nobody' } },
    0,
    0,
  )
  await costs('a kind that no span has', { filter: { op: 'eq', target: { field: 'kind' }, value: 'producer' } }, 0, 0)

  const rare = Math.floor(traces / RARE)
  const inRare = (rare + SPARE_BLOCKS) * store.blockSpans
  const named = await costs(
    'a rare name',
    { filter: { op: 'eq', target: { field: 'name' }, value: RARE_NAME } },
    inRare,
  )
  assert.equal(named.traces.length, Math.min(20, rare))
  await costs('errors', { filter: { op: 'eq', target: { field: 'status' }, value: 'error' } }, inRare)
  const none = {
    op: 'and',
    args: [
      { op: 'eq', target: { field: 'name' }, value: RARE_NAME },
      { op: 'eq', target: { field: 'kind' }, value: 'server' },
    ],
  } as const
  await costs('a name and a kind that never meet', { filter: none }, 0, 0)
  const order = await costs('a rare value of a frequent key', { filter: eq('order.id', orderOf(7)) }, few)
  assert.deepEqual(
    order.traces.map((trace) => trace.traceId),
    [traceId(7)],
  )
  // One foreign block in 700 is let through by its filter.
  const letThrough = few + (store.blocks / 200) * store.blockSpans
  await costs('a value that nobody has', { filter: eq('order.id', 'order-none') }, letThrough)

  const pasted = await costs('a word that somebody pastes', { filter: { op: 'word', value: orderOf(7) } }, letThrough)
  assert.deepEqual(
    pasted.traces.map(({ matched }) => matched?.first[0]?.key),
    ['order.id'],
  )
  await costs('a word that is nowhere', { filter: { op: 'word', value: 'order-none' } }, letThrough)

  // Of a column each distinct value is compared once in each block; where there is none, something of each span that is looked at.
  const perBlock = async (name: string, filter: Filter, distinct: number): Promise<void> => {
    const { spans, values } = await costs(name, { filter }, store.spans + few)
    const most = store.hasColumns ? (spans / store.blockSpans + SPARE_BLOCKS) * distinct : 2 * spans + few
    assert.ok(values <= most, `${name}: ${values} values were compared, at most ${most} should be`)
  }
  // In a block there are as many as there are traces, or less.
  const mixed = store.blockSpans / SPANS_PER_TRACE
  const size = { op: 'gt', target: { attribute: 'http.response.body.size' }, value: 9_998 } as const
  await perBlock('an attribute greater than nearly all', size, mixed)
  const product: Filter = { op: 'regex', target: { attribute: 'app.product.id' }, value: 'sku-99[3-5]7' }
  await perBlock('a pattern over 10,000 values', product, mixed)
  const noTenant: Filter = { op: 'regex', target: { attribute: 'tenant' }, value: 'none' }
  await perBlock('a pattern over ten values', noTenant, 10)
  const apart: Filter = { op: 'and', args: [eq('db.system.name', 'redis'), eq('rpc.system', 'grpc')] }
  await perBlock('two common values that never meet', apart, 2)

  // Whoever asks the same again has nothing of it looked at: as the reader keeps it, which the checks above do without.
  const hits = new KeptHits(HITS_BYTES)
  for (const [name, filter] of [
    ['two common values that never meet', apart],
    ['a pattern over ten values', noTenant],
    ['a comparison that nothing meets', { ...size, value: 1e12 }],
  ] as const) {
    for (const cost of [Infinity, 0]) {
      const { spans, bytes, values, traces: found } = await store.search({ filter }, hits)
      log(
        `${name}${cost === 0 ? ', again' : ''}: ${spans} spans looked at, ${bytes} bytes read, ${values} values compared`,
      )
      assert.equal(found.length, 0)
      assert.ok(spans <= cost && bytes <= cost && values <= cost, `${name}: asked again it costs something`)
    }
  }

  // Best first goes where the longest spans are, block by block; each is in one of them.
  const perTrace = store.looksPerTrace / SPANS_PER_TRACE
  const longest = perTrace * Math.min(store.spans + few, 25 * store.blockSpans)
  await costs('the 20 longest', { order: 'longest' }, longest)
  await costs('the 20 longest of half of the time', { order: 'longest', from: startOf(traces >> 1) }, longest + few)
  for (const order of ['longest_tail', 'most_spans', 'most_errors', 'oldest', 'shortest'] as const)
    await costs(`the first 20 by ${order}`, { order }, perTrace * (store.spans + few))
  const tooLong = { op: 'trace', field: 'duration', compare: 'gt', value: 1e12 } as const
  // Each block's columns once, not each trace's over all blocks.
  const columns = 53 * store.spans
  await costs('a trace longer than all', { spans: tooLong }, perTrace * (store.spans + 2 * few), columns)
  await costs('a request longer than all', { spans: { ...tooLong, field: 'requestDuration' } }, 0, 0)

  const pages: Work[] = []
  let cursor: string | undefined
  for (let n = 0; n < 20; n++) {
    const page = await store.search({ limit: 100, ...(cursor !== undefined && { cursor }) })
    pages.push(page)
    cursor = page.next
    assert.equal(page.traces.length, 100)
  }
  const most = Math.max(...pages.map(({ spans }) => spans))
  log(`pages of 100: ${pages.map(({ spans }) => spans).join(' ')} spans looked at`)
  assert.ok(most <= few, `a page looked at ${most} spans, at most ${few} should be`)

  await checkAggregates(store, few, inRare, log)
  if (!store.hasColumns) await checkTail(store, few, log)

  await store.trace(traceId(-1))
  for (const [id, found] of [
    [traceId(traces - 5), true],
    [traceId(traces >> 1), true],
    [traceId(-1), false],
  ] as const) {
    // What is asked once is not kept; what is asked again is.
    for (let i = 0; i < 2; i++) await store.trace(id)
    const work = await store.trace(id)
    log(`by id, ${found ? 'there' : 'not there'}: ${work.bytes} bytes read`)
    assert.equal(work.found, found)
    assert.equal(work.bytes, 0)
  }
  store.close()
}

/**
 * What answers about many cost: header columns of what is in question, once or, for requests, three times; of requests in sealed blocks only those that these have of each trace.
 * Never the bytes of spans.
 */
async function checkAggregates(store: Opened, few: number, inRare: number, log: (line: string) => void): Promise<void> {
  async function costs<T extends AggregateEnd>(
    name: string,
    answer: Promise<T>,
    spans: number,
    bytes: number,
  ): Promise<T> {
    const end = await answer
    log(`${name}: ${end.spansScanned} spans looked at of ${Math.round(spans)}, ${end.bytesRead} bytes read`)
    assert.equal(end.complete, true)
    assert.ok(
      end.spansScanned <= spans,
      `${name}: ${end.spansScanned} spans were looked at, at most ${spans} should be`,
    )
    assert.ok(end.bytesRead <= bytes, `${name}: ${end.bytesRead} bytes were read, at most ${bytes} should be`)
    return end
  }

  /** Of header columns in the index. */
  const columns = 53 * store.spans
  const groupBy = [{ field: 'service' }, { field: 'name' }] as const
  const all = await costs('all by operation', store.aggregate({ groupBy, limit: 1_000 }), store.spans, columns)
  assert.equal(all.total.count, store.spans)
  assert.equal(
    all.groups.reduce((sum, { count }) => sum + count, 0),
    store.spans,
  )
  await costs('heat map of all', store.heatMap({}), store.spans, columns)
  const traces = store.spans / SPANS_PER_TRACE
  const looks = store.hasColumns ? traces : store.spans
  const perLook = store.hasColumns ? BYTES_PER_REQUEST : 3 * 53
  const requests = await costs('heat map of requests', store.heatMap({ of: 'requests' }), 2 * looks, perLook * looks)
  await costs('requests by operation', store.aggregate({ of: 'requests', groupBy }), 2 * looks, perLook * looks)
  assert.equal(
    requests.counts.reduce((sum, count) => sum + count, 0),
    traces,
  )
  const rare = { op: 'eq', target: { field: 'name' }, value: RARE_NAME } as const
  const named = await costs('a rare name', store.aggregate({ filter: rare }), inRare, columns)
  assert.equal(named.total.errors, Math.floor(traces / RARE))
  await costs('requests with a rare name', store.heatMap({ filter: rare, of: 'requests' }), inRare + few, columns)
  const errors = await costs('groups of errors', store.errorGroups({}), inRare, columns)
  assert.equal(errors.spans, Math.floor(traces / RARE))
  const times = await costs('where the time went', store.bottleneck({}), 2 * store.spans, 3 * columns)
  assert.equal(times.traces, traces)
  // Filters of trace ids are asked of all blocks, and columns read of those that may have one of these traces.
  const last = await costs(
    'call paths of the last 1,000',
    store.flame({ traces: 1_000 }),
    2 * few,
    159 * few + columns / 8,
  )
  assert.deepEqual([last.traces, last.sampled], [1_000, true])
  const nobody = { op: 'eq', target: { field: 'service' }, value: 'nobody' } as const
  await costs('a service that there is not', store.aggregate({ filter: nobody }), 0, 0)
  await checkKept(store, log)
  const second = { from: T0, to: T0 + 1_000n * MS }
  await costs('one second', store.aggregate({ ...second, groupBy, buckets: 60 }), few, 53 * few)
}

/** What sealed sections know of themselves is not counted by rows when it is asked for the first time, and what whole blocks came to is not looked at when it is asked for again. */
async function checkKept(store: Opened, log: (line: string) => void): Promise<void> {
  const kept = new KeptParts(1 << 26)
  const groupBy = [{ field: 'service' }, { field: 'name' }] as const
  const costOf = ({ spansScanned, bytesRead }: AggregateEnd): Pick<Work, 'spans' | 'bytes'> => ({
    spans: spansScanned,
    bytes: bytesRead,
  })
  const traces = store.spans / SPANS_PER_TRACE
  const questions: Readonly<Record<string, () => Promise<Pick<Work, 'spans' | 'bytes'> & { readonly count: number }>>> =
    {
      'heat map of all': async () => {
        const map = await store.heatMap({ timeBins: 20, aligned: true }, kept)
        return { ...costOf(map), count: map.counts.reduce((sum, count) => sum + count, 0) / SPANS_PER_TRACE }
      },
      'all by operation': async () => {
        const all = await store.aggregate({ groupBy, limit: 1_000 }, kept)
        return { ...costOf(all), count: all.total.count / SPANS_PER_TRACE }
      },
      'calls between services': async () => {
        const { edges, spans, bytes } = await store.dependencies(kept)
        return { spans, bytes, count: edges.reduce((sum, edge) => sum + edge.calls, 0) / (SPANS_PER_TRACE - 1) }
      },
      'heat map of requests': async () => {
        const map = await store.heatMap({ of: 'requests', timeBins: 20, aligned: true }, kept)
        return { ...costOf(map), count: map.counts.reduce((sum, count) => sum + count, 0) }
      },
    }
  for (const [name, ask] of Object.entries(questions)) {
    const [first, again] = [await ask(), await ask()]
    log(`${name}: ${first.bytes} bytes read at first, ${again.bytes} when it is asked again`)
    assert.deepEqual([first.count, again.count], [traces, traces])
    assert.equal(again.spans, 0, `${name}: ${again.spans} spans were looked at again`)
    assert.equal(again.bytes, 0, `${name}: ${again.bytes} bytes were read again`)
    if (!store.hasColumns || name.endsWith('requests')) continue
    // Small sections have none.
    assert.ok(first.spans <= store.spans / 10, `${name}: ${first.spans} spans were looked at`)
    const most = BYTES_PER_COUNTED * store.spans
    assert.ok(first.bytes <= most, `${name}: ${first.bytes} bytes were read, at most ${most} should be`)
  }
}

/** What a look of a tail costs: what has come, whatever is stored. */
async function checkTail(store: Opened, few: number, log: (line: string) => void): Promise<void> {
  const spans = 50 * SPANS_PER_TRACE
  await store.look(spans)
  const found = await store.look(spans)
  log(`the last ${spans} as they come: ${found.looks} spans looked at, ${found.bytes} bytes read`)
  assert.deepEqual([found.spans, found.missed, found.looks], [spans, 0, spans])
  assert.ok(found.traces.length >= 50)
  assert.ok(found.bytes <= 53 * few, `${found.bytes} bytes were read, at most ${53 * few} should be`)
  assert.deepEqual((await store.look(0)).looks, 0)
}
