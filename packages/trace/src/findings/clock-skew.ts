import { formatDuration } from '@spoor/otlp'
import { CLOCK_GRAIN_NS, isAnsweredCall, SkewBounds } from '../skew.ts'
import { at } from './at.ts'
import { Evidence } from './evidence.ts'
import { idOf, MAX_SPANS, type Finding, type Rule } from './finding.ts'
import type { SeenTrace } from './seen-trace.ts'

/** Pairs that are kept. */
const MAX_PAIRS = 10_000
/** Of many calls so many must prove it. */
const LEAST_PROOFS = 3
const MAX_FINDINGS = 20

interface Pair {
  readonly caller: Clock
  readonly callee: Clock
  readonly bounds: SkewBounds
  readonly evidence: Evidence
}

interface Clock {
  readonly service: string
  readonly host: string
}

/** Clocks that are apart, by pairs of hosts; and such as were set back while they were read. */
export function clockSkew(): Rule {
  const pairs = new Map<string, Pair>()
  const steps = new Map<string, { readonly clock: Clock; most: number; readonly evidence: Evidence }>()
  return {
    add(seen) {
      const { trace } = seen
      for (let row = 0; row < trace.size; row++) {
        const above = trace.parent[row]!
        if (above === -1) continue
        if (isAnsweredCall(trace, row)) {
          const [caller, callee] = [clockOf(seen, above), clockOf(seen, row)]
          const key = [caller.service, caller.host, callee.service, callee.host].join('\n')
          if (pairs.size >= MAX_PAIRS && !pairs.has(key)) continue
          const pair = at(pairs, key, () => ({ caller, callee, bounds: new SkewBounds(), evidence: new Evidence() }))
          const before = pair.bounds.proofs
          pair.bounds.add(trace, above, row)
          if (pair.bounds.proofs > before) pair.evidence.add(seen, row)
          continue
        }
        const early = trace.startNs[above]! - trace.startNs[row]!
        if (early <= CLOCK_GRAIN_NS || trace.service[row] !== trace.service[above]) continue
        const clock = clockOf(seen, row)
        if (clock.host !== clockOf(seen, above).host) continue
        const step = at(steps, `${clock.service}\n${clock.host}`, () => ({ clock, most: 0, evidence: new Evidence() }))
        step.most = Math.max(step.most, early)
        step.evidence.add(seen, row)
      }
    },
    found: () => [
      ...skewsOf([...pairs.values()]),
      ...[...steps.values()].map(({ clock, most, evidence }): Finding => ({
        id: idOf('clock_stepped', clock.service, clock.host),
        code: 'clock_stepped',
        severity: 'warning',
        what: `Spans of ${nameOf(clock)} start up to ${formatDuration(most)} before their parents in the same service: its clock was set back meanwhile.`,
        where: `service ${clock.service}`,
        services: [clock.service],
        mend: 'Let the clock be slewed and not stepped, as chrony and ntpd do while it runs.',
        lines: [{ kind: 'shell', text: 'chronyc tracking' }],
        ...evidence.report(),
      })),
    ],
  }
}

function clockOf(seen: SeenTrace, row: number): Clock {
  return { service: seen.service(row), host: seen.host(row) }
}

function nameOf({ service, host }: Clock): string {
  return host === '' ? service : `${service} on ${host}`
}

/** A clock, and what it is to others: apart from some, and the same as so many. */
interface Standing {
  readonly clock: Clock
  readonly apart: Set<Pair>
  same: number
}

/**
 * Of the clocks that are apart the fewest that explain it: one that is apart from several and the same as none is wrong, and is told once. Where there are but two, nobody
 * knows which of them is.
 */
function skewsOf(pairs: readonly Pair[]): Finding[] {
  const standings = new Map<string, Standing>()
  const of = (clock: Clock): Standing =>
    at(standings, `${clock.service}\n${clock.host}`, () => ({ clock, apart: new Set<Pair>(), same: 0 }))
  for (const pair of pairs) {
    const { caller, callee, bounds } = pair
    const isProved = bounds.aheadNs !== undefined && bounds.proofs >= Math.min(LEAST_PROOFS, bounds.calls)
    for (const standing of [of(caller), of(callee)])
      if (isProved) standing.apart.add(pair)
      else if (bounds.aheadNs === undefined) standing.same++
  }
  const found: Finding[] = []
  while (found.length < MAX_FINDINGS) {
    const [worst] = [...standings.values()].sort((a, b) => b.apart.size - b.same - (a.apart.size - a.same))
    const most = worst?.apart.size ? worst : [...standings.values()].find(({ apart }) => apart.size > 0)
    if (!most) break
    const told = [...most.apart]
    for (const pair of told) for (const { apart } of standings.values()) apart.delete(pair)
    found.push(told.length > 1 && told.length > most.same ? hostOf(most.clock, told) : pairOf(told[0]!))
  }
  return found
}

function hostOf(clock: Clock, pairs: readonly Pair[]): Finding {
  const aheads = pairs
    .map(
      ({ callee, bounds }) =>
        (callee.service === clock.service && callee.host === clock.host ? 1 : -1) * bounds.aheadNs!,
    )
    .sort((a, b) => a - b)
  const ahead = aheads[aheads.length >> 1]!
  const others = [...new Set(pairs.flatMap(({ caller, callee }) => [caller.service, callee.service]))]
  const evidence = pairs.map((pair) => pair.evidence.report())
  return {
    id: idOf('clock_skew', clock.service, clock.host),
    ...told(howFar(ahead, nameOf(clock), 'those of the others that it talks to')),
    where: `service ${clock.service}`,
    services: [clock.service, ...others.filter((name) => name !== clock.service)],
    count: evidence.reduce((sum, { count }) => sum + count, 0),
    firstSeenMs: Math.min(...evidence.map(({ firstSeenMs }) => firstSeenMs)),
    lastSeenMs: Math.max(...evidence.map(({ lastSeenMs }) => lastSeenMs)),
    spans: evidence.flatMap(({ spans }) => spans).slice(0, MAX_SPANS),
  }
}

function pairOf({ caller, callee, bounds, evidence }: Pair): Finding {
  return {
    id: idOf('clock_skew', caller.service, caller.host, callee.service, callee.host),
    ...told(howFar(bounds.aheadNs!, nameOf(callee), `that of ${nameOf(caller)}`)),
    where: `services ${caller.service} and ${callee.service}`,
    services: [caller.service, callee.service],
    ...evidence.report(),
  }
}

function howFar(aheadNs: number, one: string, others: string): string {
  return `The clock of ${one} is ${formatDuration(Math.abs(aheadNs))} ${aheadNs > 0 ? 'ahead of' : 'behind'} ${others}.`
}

function told(what: string): Pick<Finding, 'code' | 'severity' | 'what' | 'mend' | 'lines'> {
  return {
    code: 'clock_skew',
    severity: 'warning',
    what,
    mend: 'Set the clocks by NTP; until then times between the hosts mislead, durations do not.',
    lines: [{ kind: 'shell', text: 'timedatectl set-ntp true' }],
  }
}
