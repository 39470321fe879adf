/**
 * A reader of traces who is told nothing: which fault is it, and where? It looks for what each of them leaves in traces,
 * the unmistakable first. What it goes by is what the pages of the labs tell people.
 */
import type { FaultName } from '../world/faults/catalogue.ts'
import { whereItBegins } from './errors.ts'
import { groupBy, length, median, most } from './lab.ts'
import { begun } from './lost-context.ts'
import { stoppedShare } from './memory-pressure.ts'
import { isQuestion } from './retry-storm.ts'
import { modelsMissing } from './service-down.ts'
import { clocks } from './skewed-clock.ts'
import type { LabSpan } from './spans.ts'
import { impostorOf } from './wrong-name.ts'

/** What a reader has found. */
export interface Reading {
  readonly fault: FaultName
  readonly at: string
}

/** What is no accident any more, ms. */
const CLOCK_OFF_MS = 1000
const HELD_UP_MS = 2500
const SLOW_WAY_MS = 90
const LONGER_MS = 500
/** Share of its time. */
const STOPPED_MORE = 0.12

/**
 * @param usual Traces of a time when all was well: how long a step takes goes by the machine.
 * @returns The fault and its place; undefined where nothing is wrong.
 */
export function readFault(spans: readonly LabSpan[], usual: readonly LabSpan[]): Reading | undefined {
  for (const [fault, find] of Object.entries(FINDERS)) {
    const at = find(spans, usual)
    if (at !== undefined) return { fault: fault as FaultName, at }
  }
  return undefined
}

type Find = (spans: readonly LabSpan[], usual: readonly LabSpan[]) => string | undefined

/** In this order: what comes later may be an effect of what comes before. */
const FINDERS: Partial<Record<FaultName, Find>> = {
  bad_images: (spans) => (spans.some(({ attributes }) => status(attributes) === '400') ? 'client' : undefined),
  wrong_service_name: (spans) => impostorOf(spans)?.trueName,
  errors: (spans) => whereItBegins(spans)[0]?.service,
  poison_message: (spans) =>
    spans.some(({ attributes }) => attributes.get('message.outcome') === 'dead_letter') ? 'ensemble' : undefined,
  lost_context: (spans) => begun(spans)[0]?.span.service,
  skewed_clock: wrongClock,
  dropped_link: (spans) => {
    const worst = most(ways(spans), onTheWay)
    return worst && onTheWay(worst) > HELD_UP_MS ? worst.attributes.get('link.name') : undefined
  },
  retry_storm: askedAgain,
  service_down: (spans) => {
    const gone = modelsMissing(spans)
    return gone.without.length > 0 ? gone.service : undefined
  },
  cold_start: (spans) => named(spans, 'load the model')[0]?.service,
  slow_link: (spans) => {
    const links = [...groupBy(ways(spans), ({ attributes }) => attributes.get('link.name') ?? '')]
    const slowest = most(links, ([, list]) => median(list.map(onTheWay)))
    return slowest && median(slowest[1].map(onTheWay)) > SLOW_WAY_MS ? slowest[0] : undefined
  },
  slow_consumer: (spans, usual) => slowerStep(spans, usual, 'store the result'),
  memory_pressure: stoppedMore,
  // What a model takes goes by how busy the machine is, too: last.
  slow_model: (spans, usual) => slowerStep(spans, usual, 'run the model'),
  saturated_queue: (spans, usual) => slowerStep(spans, usual, 'wait for the model'),
}

function status(attributes: LabSpan['attributes']): string | undefined {
  return attributes.get('http.response.status_code')
}

function named(spans: readonly LabSpan[], wanted: string): LabSpan[] {
  return spans.filter(({ name }) => name === wanted)
}

function ways(spans: readonly LabSpan[]): LabSpan[] {
  return spans.filter(({ attributes }) => attributes.has('link.name'))
}

function onTheWay({ attributes }: LabSpan): number {
  return Number(attributes.get('link.ms') ?? 0)
}

/** Where all others are off by the same, it is the client's. */
function wrongClock(spans: readonly LabSpan[]): string | undefined {
  const ahead = [...clocks(spans)].filter(([service]) => service !== 'client')
  const off = ahead.filter(([, ms]) => Math.abs(ms) > CLOCK_OFF_MS)
  if (off.length > 1 && off.length === ahead.length) return 'client'
  return most(off, ([, ms]) => Math.abs(ms))?.[0]
}

/** A model is asked twice in one trace. */
function askedAgain(spans: readonly LabSpan[]): string | undefined {
  const questions = groupBy(spans.filter(isQuestion), ({ traceId, attributes }) => {
    const url = attributes.get('url.full') ?? ''
    return `${traceId} ${url.slice(0, url.indexOf('?'))}`
  })
  return [...questions.values()].find((list) => list.length > 1)?.[0]?.service
}

/** The service that is stopped for garbage more than it usually is. */
function stoppedMore(spans: readonly LabSpan[], usual: readonly LabSpan[]): string | undefined {
  const shares = (of: readonly LabSpan[]): Map<string, number> => {
    const served = of.filter(({ kind, attributes }) => kind === 'server' && attributes.has('runtime.gc_ms'))
    return new Map([...groupBy(served, ({ service }) => service)].map(([at, list]) => [at, stoppedShare(list)]))
  }
  const before = shares(usual)
  const more = [...shares(spans)].map(([at, share]) => ({ at, share: share - (before.get(at) ?? 0) }))
  const first = most(more, ({ share }) => share)
  return first && first.share > STOPPED_MORE ? first.at : undefined
}

/** The service whose step of that name takes longer than it usually does. */
function slowerStep(spans: readonly LabSpan[], usual: readonly LabSpan[], name: string): string | undefined {
  const steps = groupBy(named(spans, name), ({ service }) => service)
  const before = groupBy(named(usual, name), ({ service }) => service)
  const longer = [...steps].map(([service, list]) => {
    const was = before.get(service)
    return { service, ms: median(list.map(length)) - (was ? median(was.map(length)) : 0) }
  })
  const slowest = most(longer, ({ ms }) => ms)
  return slowest && slowest.ms > LONGER_MS ? slowest.service : undefined
}
