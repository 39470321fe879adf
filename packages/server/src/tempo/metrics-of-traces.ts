import type { TraceSummary } from '@spoor/storage'
import { leavesPart } from '../api/failure.ts'
import type { StoreQueries } from '../api/store-queries.ts'
import type { QueryCall } from '../http/query-call.ts'
import { textJson } from './any-value.ts'
import { labelOf, type Effort, type Plan } from './metric-plan.ts'
import { NOTHING, type Point, seriesOf } from './metric-series.ts'
import { factsOf } from './search.ts'
import type { Series } from './second-stage.ts'
import type { TimeRange } from './steps.ts'
import { TraceRoom } from './trace-room.ts'
import { readTraceSpans, type TraceSpan } from './trace-spans.ts'
import { asNumber, evaluate, type Metric, type Target, type TraceFacts, valuesOf } from './traceql/index.ts'

/** Traces that are looked at for an answer, and spans of one of them. */
const MAX_TRACES = 100_000
const MAX_TRACE_SPANS = 20_000
const PAGE = 10_000
const MAX_GROUPS = 1_000
/** Of a group and a point of it, and of a bin, in memory. */
const GROUP_BYTES = 500
const POINT_BYTES = 40
const BIN_BYTES = 60
/** To a factor of two: as many as the store's durations have. */
const BINS_PER_OCTAVE = 64
/** Fields that are nanoseconds, and told in seconds. */
const DURATIONS: readonly string[] = ['duration', 'traceDuration', 'event:timeSinceStart']

interface Points extends TimeRange {
  readonly points: number
  readonly stepNs: bigint
}

/**
 * Numbers over time for which the store has no words: each trace that may have such spans is decoded and looked at, newer ones first, until all are, or there is no more time. Then
 * the answer is not complete.
 */
export async function ofTraces(
  store: StoreQueries,
  plan: Plan,
  times: Points,
  call: QueryCall,
  effort: Effort,
): Promise<Series[]> {
  const groups = new Groups(plan.metric, times, call)
  const endMs = performance.now() + call.timeoutMs
  const left = (): number => endMs - performance.now()
  const { from, to } = times
  const room = new TraceRoom(call)
  const look = async (summary: TraceSummary): Promise<void> => {
    const spans = left() > 0 ? await spansOf(store, summary.traceId, { ...call, timeoutMs: left() }, room) : undefined
    if (!spans) {
      effort.complete = false
      return
    }
    effort.spans += spans.length
    const inTime = spans.filter(({ span: { startTimeUnixNano: start } }) => start >= from && start <= to)
    const facts = factsOf(summary)
    for (const span of new Set(evaluate(plan.again!, inTime, facts).flatMap((group) => group.spans)))
      groups.add(span, facts)
  }
  let cursor: string | undefined
  let traces = 0
  do {
    const query = { ...plan.scope, from, to, order: 'newest', limit: PAGE, matchesPerTrace: 0 } as const
    const page = store.search(
      { ...query, ...(cursor !== undefined && { cursor }) },
      { ...call, timeoutMs: Math.max(1, left()) },
    )
    for await (const event of page) {
      if (event.type === 'traces') for (const summary of event.traces) await look(summary)
      if (event.type === 'traces') traces += event.traces.length
      if (event.type !== 'end') continue
      cursor = event.next
      effort.bytes += event.bytesRead
      if (!event.complete) effort.complete = false
    }
  } while (cursor !== undefined && traces < MAX_TRACES && left() > 0)
  if (cursor !== undefined || groups.isCut) effort.complete = false
  return groups.series(plan)
}

/** Undefined: it has too many spans, or there is no time or memory for it. */
async function spansOf(
  store: StoreQueries,
  id: string,
  call: QueryCall,
  room: TraceRoom,
): Promise<readonly TraceSpan[] | undefined> {
  try {
    const chunks = store.trace(id, { signal: call.signal, timeoutMs: call.timeoutMs })
    const { spans, isWhole } = await readTraceSpans(chunks, {
      withTree: true,
      maxSpans: MAX_TRACE_SPANS,
      grow: room.forOne(),
    })
    return isWhole ? spans : undefined
  } catch (error) {
    if (!leavesPart(error)) throw error
    return undefined
  }
}

/** What is counted of one group at one point. */
interface Draft {
  count: number
  sum: number
  least: number
  most: number
  /** How many are in which bin, where quantiles or a histogram are asked for. */
  readonly bins: Map<number, number>
}

interface Group {
  readonly key: readonly (string | undefined)[]
  readonly points: (Draft | undefined)[]
}

class Groups {
  isCut = false
  readonly #metric: Metric
  readonly #times: Points
  readonly #call: QueryCall
  readonly #all = new Map<string, Group>()

  constructor(metric: Metric, times: Points, call: QueryCall) {
    this.#metric = metric
    this.#times = times
    this.#call = call
  }

  add(own: TraceSpan, facts: TraceFacts): void {
    const { of, by } = this.#metric
    const value = of ? numberOf(of, own, facts) : 0
    if (value === undefined) return
    const draft = this.#draftOf(
      by.map((target) => textOf(target, own, facts)),
      Number((own.span.startTimeUnixNano - this.#times.from) / this.#times.stepNs),
    )
    if (!draft) return
    draft.count++
    draft.sum += value
    draft.least = Math.min(draft.least, value)
    draft.most = Math.max(draft.most, value)
    if (!this.#hasBins) return
    const bin = this.#metric.name === 'histogram_over_time' ? octaveOf(value) : binOf(value)
    const before = draft.bins.get(bin)
    if (before === undefined && !this.#call.room.grow(BIN_BYTES)) this.isCut = true
    else draft.bins.set(bin, (before ?? 0) + 1)
  }

  series(plan: Plan): Series[] {
    const { points, stepNs } = this.#times
    const seconds = Number(stepNs) / 1e9
    return [...this.#all.values()].flatMap((group) =>
      plan.metric.name === 'histogram_over_time'
        ? histogramOf(plan.metric, group, points)
        : seriesOf(plan, group.key, points, (point) => this.#pointOf(group.points[point]), seconds),
    )
  }

  get #hasBins(): boolean {
    return this.#metric.name === 'histogram_over_time' || this.#metric.name === 'quantile_over_time'
  }

  #pointOf(draft: Draft | undefined): Point {
    if (!draft) return NOTHING
    const bins = [...draft.bins].sort(([a], [b]) => a - b)
    const quantiles = this.#metric.quantiles.map((share) => {
      let left = Math.max(1, Math.ceil(share * draft.count))
      const found = bins.find(([, count]) => (left -= count) <= 0)
      // Those at the ends are known exactly.
      return Math.max(draft.least, Math.min(draft.most, valueOfBin(found?.[0] ?? 0)))
    })
    return { ...draft, quantiles }
  }

  /** Undefined: there are too many groups, or there is no memory. */
  #draftOf(key: readonly (string | undefined)[], point: number): Draft | undefined {
    const name = JSON.stringify(key.map((value) => value ?? null))
    let group = this.#all.get(name)
    const bytes = (group ? 0 : GROUP_BYTES + name.length) + (group?.points[point] ? 0 : POINT_BYTES)
    if ((!group && this.#all.size >= MAX_GROUPS) || (bytes > 0 && !this.#call.room.grow(bytes))) {
      this.isCut = true
      return undefined
    }
    if (!group) this.#all.set(name, (group = { key, points: [] }))
    return (group.points[point] ??= { count: 0, sum: 0, least: Infinity, most: -Infinity, bins: new Map() })
  }
}

/** A series for each bin, named by its end. */
function histogramOf({ by }: Metric, { key, points: drafts }: Group, points: number): Series[] {
  const labels = by.map((target, i) => ({ key: labelOf(target), value: textJson(key[i]) }))
  const bins = new Set(drafts.flatMap((draft) => [...(draft?.bins.keys() ?? [])]))
  return [...bins]
    .sort((a, b) => a - b)
    .map((bin) => ({
      labels: [...labels, { key: '__bucket', value: { doubleValue: bin } }],
      values: Float64Array.from({ length: points }, (_, point) => drafts[point]?.bins.get(bin) ?? 0),
    }))
}

/** The first value that is a number; durations in seconds. */
function numberOf(target: Target, own: TraceSpan, facts: TraceFacts): number | undefined {
  for (const value of valuesOf(target, own, facts)) {
    const number = asNumber(value)
    if (number !== undefined)
      return Number(number) / (target.op === 'intrinsic' && DURATIONS.includes(target.name) ? 1e9 : 1)
  }
  return undefined
}

function textOf(target: Target, own: TraceSpan, facts: TraceFacts): string | undefined {
  const [value] = valuesOf(target, own, facts)
  return value === undefined ? undefined : String(value)
}

/** The end of the power of two that a number is in; 0 for what is not above it. */
function octaveOf(value: number): number {
  return value > 0 ? 2 ** Math.ceil(Math.log2(value)) : 0
}

/** On one scale, {@link BINS_PER_OCTAVE} to a factor of two on both sides of 0. */
function binOf(value: number): number {
  if (value === 0) return 0
  // Of the least number there is 2^-1074.
  return Math.sign(value) * (Math.floor(Math.log2(Math.abs(value)) * BINS_PER_OCTAVE) + OFFSET)
}

const OFFSET = 1 + 1_075 * BINS_PER_OCTAVE

/** The middle of a bin, which is within 0.54 % of all that are in it. */
function valueOfBin(bin: number): number {
  return bin === 0 ? 0 : Math.sign(bin) * 2 ** ((Math.abs(bin) - OFFSET + 0.5) / BINS_PER_OCTAVE)
}
