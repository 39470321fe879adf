import { topRows } from '../children.ts'
import { SpanFlag, type Trace } from '../model.ts'
import { addressOf } from './addresses.ts'
import { at } from './at.ts'
import { bitsOf, countWithin, type Time } from './call-times.ts'
import { Evidence } from './evidence.ts'
import { idOf, type Finding, type Rule } from './finding.ts'
import { outOfThread } from './propagators.ts'
import type { SeenTrace } from './seen-trace.ts'

const [INTERNAL, SERVER, CLIENT, CONSUMER] = [1, 2, 3, 5]
/** So many make it a habit, and the share of the traces of one name that must lie within a request each. */
const LEAST_COUNT = 10
const LEAST_SHARE = 0.9
/** How little it may be chance: work that a timer begins lies within a request now and then, too. */
const LEAST_BITS = 40
/** Instances that are kept, names of one, and times of a name. */
const MAX_INSTANCES = 200
const MAX_NAMES = 50
const MAX_TIMES = 200
/** How far up a request is looked for. */
const MAX_STEPS = 20

interface Named {
  readonly times: Time[]
  readonly evidence: Evidence
}

/** One process: what it serves, and what begins traces in it without being a request. */
interface Instance {
  readonly service: string
  readonly language: string
  readonly served: Map<string, Named>
  readonly begun: Map<string, Named>
  /** `served\nbegun`: the one has had the other below it, so that its context is not lost. */
  readonly whole: Set<string>
}

/**
 * Work of a request that begins a trace of its own, in the same process: a pool of threads, a queue or a callback that does not carry the context. Within each
 * such trace's time lies a request, one for each, by more than chance; and never is it below one.
 */
export function lostInside(): Rule {
  const instances = new Map<string, Instance>()
  return {
    add(seen) {
      const { trace } = seen
      for (let row = 0; row < trace.size; row++) {
        const kind = trace.kind[row]
        if (kind === SERVER || kind === CONSUMER) {
          const instance = instanceOf(instances, seen, row)
          if (instance) note(instance.served, seen, row, seen.name(row))
          continue
        }
        const above = servedAbove(trace, row)
        if (above < 0) continue
        const instance = instanceOf(instances, seen, above)
        if (instance && instance.whole.size < MAX_NAMES * MAX_NAMES)
          instance.whole.add(`${seen.name(above)}\n${workOf(seen, row)}`)
      }
      for (const row of topRows(trace)) {
        const kind = trace.kind[row]
        if ((kind !== INTERNAL && kind !== CLIENT) || trace.linkCount[row] !== 0) continue
        if (trace.flags[row]! & (SpanFlag.orphan | SpanFlag.cycle)) continue
        const instance = instanceOf(instances, seen, row)
        if (instance) note(instance.begun, seen, row, workOf(seen, row))
      }
    },
    found: () => {
      // The instances of a service are all set up alike.
      const found = new Map<string, Finding>()
      for (const instance of instances.values())
        for (const finding of lossesIn(instance)) if (!found.has(finding.id)) found.set(finding.id, finding)
      return [...found.values()]
    },
  }
}

/** The request that a span is below; -1 where there is none near. */
function servedAbove({ parent, kind }: Trace, row: number): number {
  let above = parent[row]!
  for (let steps = 0; above >= 0 && kind[above] !== SERVER && kind[above] !== CONSUMER; steps++)
    above = steps < MAX_STEPS ? parent[above]! : -1
  return above
}

function instanceOf(instances: Map<string, Instance>, seen: SeenTrace, row: number): Instance | undefined {
  const service = seen.service(row)
  const key = `${service}\n${seen.host(row)}\n${seen.resource(row, ['service.instance.id'])}`
  if (instances.size >= MAX_INSTANCES && !instances.has(key)) return undefined
  return at(instances, key, (): Instance => ({
    service,
    language: seen.resource(row, ['telemetry.sdk.language']),
    served: new Map(),
    begun: new Map(),
    whole: new Set(),
  }))
}

/** What a span does, and to whom: all calls over HTTP have one of some names. */
function workOf(seen: SeenTrace, row: number): string {
  const address = seen.trace.kind[row] === CLIENT ? addressOf(seen, row) : undefined
  return address === undefined ? seen.name(row) : `${seen.name(row)} to ${address}`
}

function note(all: Map<string, Named>, seen: SeenTrace, row: number, name: string): void {
  if (all.size >= MAX_NAMES && !all.has(name)) return
  const named = at(all, name, (): Named => ({ times: [], evidence: new Evidence() }))
  if (named.times.length >= MAX_TIMES) return
  const fromMs = seen.startMs(row)
  named.times.push({ fromMs, toMs: fromMs + seen.trace.durationsNs[row]! / 1e6 })
  named.evidence.add(seen, row)
}

function lossesIn({ service, language, served, begun, whole }: Instance): Finding[] {
  return [...begun].flatMap(([name, work]) => {
    if (work.times.length < LEAST_COUNT) return []
    for (const [request, { times, evidence }] of served) {
      if (times.length < LEAST_COUNT || whole.has(`${request}\n${name}`)) continue
      const count = countWithin(times, work.times, 0)
      if (count < LEAST_COUNT || count < LEAST_SHARE * Math.max(work.times.length, times.length)) continue
      if (bitsOf(times, work.times, count, 0) < LEAST_BITS) continue
      const shown = work.evidence.report()
      return [
        {
          id: idOf('context_lost_inside', service, request, name),
          code: 'context_lost_inside',
          severity: 'error' as const,
          what: `${JSON.stringify(name)} of ${service} begins a trace of its own each time, within ${JSON.stringify(request)}: the context is lost inside of the process.`,
          where: `service ${service}`,
          services: [service],
          ...outOfThread(language),
          ...shown,
          count,
          spans: [...shown.spans.slice(0, 10), ...evidence.report().spans.slice(0, 10)],
        },
      ]
    }
    return []
  })
}
