import { criticalPathOfShape } from '@spoor/trace'
import type { Bottleneck, BottleneckQuery, OnPartial, TimeShare } from '../../../contract.ts'
import { whole } from '../plan.ts'
import { SWEEP_STAGES, type SweptTrace } from '../trace-sweep.ts'
import type { Turn } from '../turn.ts'
import { endOf } from './aggregate.ts'
import { MAX_PATH_SPANS } from './frames.ts'
import { Growth } from './growth.ts'
import { MatchingTraces } from './matching-traces.ts'
import { sizeOf, wholeOf, type Blocks } from './parts.ts'
import { scopeOf } from './plan.ts'
import { TimeBins } from './time-bins.ts'

const ERROR = 2
/** Of a service or an operation in memory, beside its name. */
const SHARE_BYTES = 400
/** What a span costs, in units of {@link Turn.work}. */
const SPAN_UNITS = 300

/** Adds up self times and critical paths over all traces that match, from header columns. Out of time or memory, what was added up is told. */
export async function bottleneck(
  blocks: Blocks,
  query: BottleneckQuery,
  turn: Turn,
  tell?: OnPartial<Bottleneck>,
): Promise<Bottleneck> {
  const limit = whole(query.limit ?? 50, 'limit', 1, 1_000)
  const maxTraces = query.traces === undefined ? undefined : whole(query.traces, 'traces', 1, 1_000_000)
  const scope = scopeOf({ ...query, of: 'requests' }, wholeOf(blocks), turn)
  const times = new Times(turn)
  const time = TimeBins.over(scope, 0)
  const answer = (): Bottleneck => ({
    ...times.answer(limit),
    sampled: traces.hasLeft,
    ...endOf(scope, time, turn),
  })
  const growth = new Growth(turn, SWEEP_STAGES * sizeOf(blocks), answer, tell)
  const traces = new MatchingTraces(blocks, scope, turn, (trace) => times.add(trace))
  await traces.run({ maxTraces, growth })
  return answer()
}

/** Of a service or an operation, over all traces so far. */
interface Share {
  readonly service: string
  readonly name: string | undefined
  spans: number
  traces: number
  errors: number
  selfNs: number
  criticalNs: number
  criticalTraces: number
  exemplar: TimeShare['exemplar']
  /** The last trace that it was in, and its time on the critical path of that. */
  trace: number
  ofTraceNs: number
}

class Times {
  readonly #turn: Turn
  readonly #services = new Map<string, Share>()
  /** By service, then name. */
  readonly #operations = new Map<string, Map<string, Share>>()
  #traces = 0
  #requestNs = 0

  constructor(turn: Turn) {
    this.#turn = turn
  }

  add({ table, shape, summary }: SweptTrace): void {
    const { size, order, selfNs } = shape
    this.#turn.work(SPAN_UNITS * size)
    this.#traces++
    this.#requestNs += summary.requestDurationNs
    const touched = new Set<Share>()
    const sharesOf = (position: number): readonly (Share | undefined)[] => {
      const span = order[position]!
      const service = table.services[table.service[span]!]!
      return [this.#service(service), this.#operation(service, table.names[table.name[span]!]!)]
    }
    for (let position = 0; position < size; position++) {
      for (const share of sharesOf(position)) {
        if (!share) continue
        share.spans++
        share.selfNs += selfNs[position]!
        if (table.status[order[position]!] === ERROR) share.errors++
        if (share.trace !== this.#traces) {
          share.trace = this.#traces
          share.traces++
          share.ofTraceNs = 0
        }
      }
    }
    if (size > MAX_PATH_SPANS) this.#turn.incomplete = true
    const path = size > MAX_PATH_SPANS ? [] : criticalPathOfShape(table, shape)
    for (const { row, startNs, endNs } of path) {
      for (const share of sharesOf(row)) {
        if (!share) continue
        share.ofTraceNs += endNs - startNs
        touched.add(share)
      }
    }
    for (const share of touched) this.#onPath(share, summary.traceId)
  }

  #onPath(share: Share, traceId: string): void {
    const { ofTraceNs: criticalNs, exemplar } = share
    share.criticalNs += criticalNs
    share.criticalTraces++
    const isMore =
      !exemplar ||
      criticalNs > exemplar.criticalNs ||
      (criticalNs === exemplar.criticalNs && traceId < exemplar.traceId)
    if (isMore) share.exemplar = { traceId, criticalNs }
  }

  #service(service: string): Share | undefined {
    return this.#shareOf(this.#services, service, service, undefined)
  }

  #operation(service: string, name: string): Share | undefined {
    let names = this.#operations.get(service)
    if (!names) this.#operations.set(service, (names = new Map()))
    return this.#shareOf(names, name, service, name)
  }

  /** Undefined when there is no memory for it. */
  #shareOf(shares: Map<string, Share>, key: string, service: string, name: string | undefined): Share | undefined {
    const known = shares.get(key)
    if (known || !this.#turn.reserve(SHARE_BYTES + 4 * key.length)) return known
    const share: Share = {
      service,
      name,
      spans: 0,
      traces: 0,
      errors: 0,
      selfNs: 0,
      criticalNs: 0,
      criticalTraces: 0,
      exemplar: undefined,
      trace: 0,
      ofTraceNs: 0,
    }
    shares.set(key, share)
    return share
  }

  answer(limit: number): Pick<Bottleneck, 'traces' | 'requestNs' | 'services' | 'operations'> {
    const operations = [...this.#operations.values()].flatMap((names) => [...names.values()])
    return {
      traces: this.#traces,
      requestNs: this.#requestNs,
      services: [...this.#services.values()].sort(compare).slice(0, limit).map(toShare),
      operations: operations
        .sort(compare)
        .slice(0, limit)
        .map((share) => ({ ...toShare(share), name: share.name! })),
    }
  }
}

function compare(a: Share, b: Share): number {
  return (
    b.criticalNs - a.criticalNs ||
    b.selfNs - a.selfNs ||
    compareTexts(a.service, b.service) ||
    compareTexts(a.name ?? '', b.name ?? '')
  )
}

function compareTexts(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}

function toShare({ service, spans, traces, errors, selfNs, criticalNs, criticalTraces, exemplar }: Share): TimeShare {
  return { service, spans, traces, errors, selfNs, criticalNs, criticalTraces, exemplar }
}
