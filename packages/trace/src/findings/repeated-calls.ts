import { formatDuration } from '@spoor/otlp'
import { childrenOf, endOf } from '../children.ts'
import { at } from './at.ts'
import { Evidence } from './evidence.ts'
import { idOf, type Finding, type Rule } from './finding.ts'
import { templateOf } from './names-with-ids.ts'
import type { SeenTrace } from './seen-trace.ts'
import { outOfLoop, outOfStorm, type WayOut } from './ways-out.ts'

const CLIENT = 3
const ERROR = 2
/** So many calls, one after the other, that together take so much of the span above them. */
const LEAST_CALLS = 10
const LEAST_SHARE = 0.3
/** So many failures of one call in a row are a storm. */
const LEAST_RETRIES = 4
const MAX_GROUPS = 1_000

interface Group {
  readonly service: string
  readonly above: string
  readonly call: string
  most: number
  ns: number
  /** By the first that was seen. */
  readonly wayOut: WayOut
  readonly evidence: Evidence
}

/** One call again and again below one span: for each of a list (N+1), or as it fails. */
export function repeatedCalls(): Rule {
  const loops = new Map<string, Group>()
  const storms = new Map<string, Group>()
  const note = (
    groups: Map<string, Group>,
    seen: SeenTrace,
    row: number,
    calls: readonly number[],
    call: string,
  ): void => {
    const [service, above] = [seen.service(row), seen.name(row)]
    const key = `${service}\n${above}\n${call}`
    if (groups.size >= MAX_GROUPS && !groups.has(key)) return
    const group = at(groups, key, () => {
      const wayOut = (groups === storms ? outOfStorm : outOfLoop)(seen, row, calls[0]!)
      return { service, above, call, most: 0, ns: 0, wayOut, evidence: new Evidence() }
    })
    if (calls.length > group.most) {
      group.most = calls.length
      group.ns = timeOf(seen, calls)
    }
    group.evidence.add(seen, row)
  }
  return {
    add(seen) {
      const { trace } = seen
      for (let row = 0; row < trace.size; row++) {
        if (trace.childCount[row]! < LEAST_RETRIES) continue
        for (const [call, calls] of callsBelow(seen, row)) {
          const failures = failuresInARow(seen, calls)
          if (failures >= LEAST_RETRIES) note(storms, seen, row, calls.slice(0, failures), call)
          else if (calls.length >= LEAST_CALLS && timeOf(seen, calls) >= LEAST_SHARE * trace.durationsNs[row]!)
            note(loops, seen, row, calls, call)
        }
      }
    },
    found: () => [...[...loops.values()].map(loopOf), ...[...storms.values()].map(stormOf)],
  }
}

/** The calls of the span's own service that are direct children of it, by what they call; each only as far as they come one after the other. */
function callsBelow(seen: SeenTrace, row: number): Map<string, number[]> {
  const { trace } = seen
  const groups = new Map<string, number[]>()
  for (const child of childrenOf(trace, row)) {
    if (trace.kind[child] !== CLIENT || trace.service[child] !== trace.service[row]) continue
    const calls = at(groups, templateOf(seen.name(child)), () => [] as number[])
    const last = calls.at(-1)
    if (last === undefined || endOf(trace, last) <= trace.startNs[child]!) calls.push(child)
  }
  return groups
}

function timeOf({ trace }: SeenTrace, rows: readonly number[]): number {
  return rows.reduce((sum, row) => sum + trace.durationsNs[row]!, 0)
}

/** The most failures that came one after the other, from the first call on. */
function failuresInARow({ trace }: SeenTrace, calls: readonly number[]): number {
  const good = calls.findIndex((row) => trace.status[row] !== ERROR)
  return good === -1 ? calls.length : good
}

function loopOf({ service, above, call, most, ns, wayOut, evidence }: Group): Finding {
  return {
    id: idOf('n_plus_one', service, above, call),
    code: 'n_plus_one',
    severity: 'warning',
    what: `${service} ${above} makes the call ${JSON.stringify(call)} up to ${most} times one after the other (${formatDuration(ns)}).`,
    where: `service ${service}`,
    services: [service],
    ...wayOut,
    ...evidence.report(),
  }
}

function stormOf({ service, above, call, most, ns, wayOut, evidence }: Group): Finding {
  return {
    id: idOf('retry_storm', service, above, call),
    code: 'retry_storm',
    severity: 'warning',
    what: `${service} ${above} tries ${JSON.stringify(call)} up to ${most} times in vain (${formatDuration(ns)}).`,
    where: `service ${service}`,
    services: [service],
    ...wayOut,
    ...evidence.report(),
  }
}
