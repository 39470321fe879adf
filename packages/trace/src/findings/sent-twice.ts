import { SpanFlag } from '../model.ts'
import { at } from './at.ts'
import { Evidence } from './evidence.ts'
import { idOf, type Rule } from './finding.ts'

/** So many spans in so many traces make it a habit: an export that was not answered in time is sent again, too. */
const LEAST_SPANS = 20
const LEAST_TRACES = 5
const LEAST_SHARE = 0.9

interface Sent {
  all: number
  readonly again: Evidence
  readonly traces: Set<string>
}

/** Services of which nearly each span comes more than once: they have two exporters, or two ways to Spoor. */
export function sentTwice(): Rule {
  const services = new Map<string, Sent>()
  return {
    add(seen) {
      for (let row = 0; row < seen.trace.size; row++) {
        const sent = at(services, seen.service(row), (): Sent => ({ all: 0, again: new Evidence(), traces: new Set() }))
        sent.all++
        if ((seen.trace.flags[row]! & SpanFlag.again) === 0) continue
        sent.again.add(seen, row)
        if (sent.traces.size < LEAST_TRACES) sent.traces.add(seen.trace.traceId)
      }
    },
    found: () =>
      [...services].flatMap(([service, { all, again, traces }]) => {
        if (again.count < LEAST_SPANS || again.count < LEAST_SHARE * all || traces.size < LEAST_TRACES) return []
        return [
          {
            id: idOf('sent_twice', service),
            code: 'sent_twice',
            severity: 'warning' as const,
            what: `Each span of ${service} comes more than once (${again.count} of ${all}): two exporters send it, or it comes by two ways.`,
            where: `service ${service}`,
            services: [service],
            mend: 'Where the code adds an exporter to one that an agent has set up by the environment, this line leaves the code’s alone. Else take away one of two processors, or one of two ways (directly, and through a collector).',
            lines: [{ kind: 'env' as const, text: 'OTEL_TRACES_EXPORTER=none' }],
            ...again.report(),
          },
        ]
      }),
  }
}
