import { SpanFlag } from '../model.ts'
import { at } from './at.ts'
import { Evidence } from './evidence.ts'
import { idOf, type Rule } from './finding.ts'

const [SERVER, CONSUMER] = [2, 5]
/** So many requests make it a habit, and so much of all of a service. */
const LEAST_ORPHANS = 5
const LEAST_SHARE = 0.1
/** Parents end after their children, and wait for their batch; and where all ended at once, those that were open went with it: others must have come since. Milliseconds. */
const SETTLED_MS = 20_000

interface Requests {
  readonly orphans: { readonly ms: number; readonly evidence: Evidence }[]
  readonly wholeMs: number[]
}

/** Requests whose caller is not in their trace: it samples by itself, sends elsewhere, or its spans never end. */
export function parentsMissing(): Rule {
  const services = new Map<string, Requests>()
  let lastMs = 0
  return {
    add(seen) {
      const { trace } = seen
      const endMs = Number(trace.start / 1_000_000n) + trace.durationNs / 1e6
      lastMs = Math.max(lastMs, endMs)
      for (let row = 0; row < trace.size; row++) {
        if (trace.kind[row] !== SERVER && trace.kind[row] !== CONSUMER) continue
        const requests = at(services, seen.service(row), (): Requests => ({ orphans: [], wholeMs: [] }))
        if (!(trace.flags[row]! & SpanFlag.orphan)) requests.wholeMs.push(endMs)
        else {
          const evidence = new Evidence()
          evidence.add(seen, row)
          requests.orphans.push({ ms: endMs, evidence })
        }
      }
    },
    found: (nowMs) =>
      [...services].flatMap(([service, { orphans, wholeMs }]) => {
        const isSettled = (ms: number): boolean => ms <= Math.min(nowMs, lastMs) - SETTLED_MS
        const missing = orphans.filter(({ ms }) => isSettled(ms)).map(({ evidence }) => evidence.report())
        const all = missing.length + wholeMs.filter(isSettled).length
        if (missing.length < LEAST_ORPHANS || missing.length < LEAST_SHARE * all) return []
        return [
          {
            id: idOf('parents_missing', service),
            code: 'parents_missing',
            severity: 'warning' as const,
            what: `${missing.length} of ${all} requests of ${service} have a caller whose span is not there: it decides by itself what it samples, sends its spans elsewhere, or does not end them.`,
            where: `service ${service}`,
            services: [service],
            mend: 'Let whatever calls it sample as its own caller did, and send to the same place.',
            lines: [{ kind: 'env' as const, text: 'OTEL_TRACES_SAMPLER=parentbased_always_on' }],
            count: missing.length,
            firstSeenMs: Math.min(...missing.map(({ firstSeenMs }) => firstSeenMs)),
            lastSeenMs: Math.max(...missing.map(({ lastSeenMs }) => lastSeenMs)),
            spans: missing.flatMap(({ spans }) => spans).slice(0, 20),
          },
        ]
      }),
  }
}
