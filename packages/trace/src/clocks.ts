import { resourceOf, resourceStartOf } from './access.ts'
import { rootRow } from './children.ts'
import type { Trace } from './model.ts'
import { HOST_KEYS, isAnsweredCall, SkewBounds } from './skew.ts'

/** A clock that is apart from that of the request's span. */
export interface ClockShift {
  readonly service: string
  /** The host, or the instance; '' where the resource names none. */
  readonly host: string
  /** By how much it is ahead, negative where it is behind. Nanoseconds, whole, never 0. */
  readonly aheadNs: number
}

export interface TraceClocks {
  /** Those that are apart, in the order of the rows. */
  readonly apart: readonly ClockShift[]
  /** By how much the clock is ahead that timed the spans of the resource at that place of the trace's bytes. Nanoseconds. */
  readonly aheadOf: (resourceStart: number) => number
}

/** Two clocks, one of which timed a child of the other's span. */
interface Pair {
  readonly caller: number
  readonly callee: number
  readonly bounds: SkewBounds
}

/**
 * What the clocks of a trace are to that of its request, from the calls between each two of them ({@link SkewBounds}). A clock is one service on one
 * host. Of several ways from one clock to another the one of proved differences counts, then one of calls that agree; a clock of which no call
 * tells anything goes with that of the span that started its work.
 *
 *     web ── same ── gateway ── 1.1 s behind ── proxy ── 0.1 s ahead ── stock        stock is 1.0 s behind web
 *
 * Linear in the spans.
 */
export function clocksOf(trace: Trace): TraceClocks {
  const clocks: { service: string; host: string }[] = []
  const byName = new Map<string, number>()
  const byResource = new Map<number, number>()
  const clockOf = (row: number): number => {
    const resource = resourceStartOf(trace, row)
    let clock = byResource.get(resource)
    if (clock === undefined) {
      const [service, host] = [trace.services[trace.service[row]!]!, hostOf(trace, row)]
      const name = `${service}\n${host}`
      clock = byName.get(name) ?? clocks.push({ service, host }) - 1
      byName.set(name, clock)
      byResource.set(resource, clock)
    }
    return clock
  }
  const pairs = pairsOf(trace, clockOf)
  const root = rootRow(trace)
  const aheadNs = root === -1 ? new Float64Array() : aheadOfRoot(pairs, clocks.length, clockOf(root))
  return {
    apart: clocks.flatMap((clock, index) => (aheadNs[index] ? [{ ...clock, aheadNs: aheadNs[index] }] : [])),
    aheadOf: (resourceStart) => aheadNs[byResource.get(resourceStart) ?? -1] ?? 0,
  }
}

function hostOf(trace: Trace, row: number): string {
  const { attributes } = resourceOf(trace, row)
  for (const key of HOST_KEYS) {
    const value = attributes.find((attribute) => attribute.key === key)?.value
    if (value?.type === 'string') return value.value
  }
  return ''
}

function pairsOf(trace: Trace, clockOf: (row: number) => number): Pair[] {
  const pairs = new Map<number, Pair>()
  const clocks = new Uint32Array(trace.size)
  let most = 0
  for (let row = 0; row < trace.size; row++) most = Math.max(most, (clocks[row] = clockOf(row)))
  for (let row = 0; row < trace.size; row++) {
    const above = trace.parent[row]!
    if (above === -1 || clocks[row] === clocks[above]) continue
    const [caller, callee] = [clocks[above]!, clocks[row]!]
    const key = caller * (most + 1) + callee
    let pair = pairs.get(key)
    if (!pair) pairs.set(key, (pair = { caller, callee, bounds: new SkewBounds() }))
    if (isAnsweredCall(trace, row)) pair.bounds.add(trace, above, row)
  }
  return [...pairs.values()]
}

/** Goes from the root's clock to all others along the pairs that tell most. Clocks that no pair leads to are taken as they are. */
function aheadOfRoot(pairs: readonly Pair[], count: number, root: number): Float64Array {
  const rank = ({ bounds }: Pair): number => (bounds.aheadNs !== undefined ? 0 : bounds.calls > 0 ? 1 : 2)
  const groups = Int32Array.from({ length: count }, (_, clock) => clock)
  const groupOf = (clock: number): number => {
    while (groups[clock] !== clock) clock = groups[clock] = groups[groups[clock]!]!
    return clock
  }
  const steps: { to: number; aheadNs: number }[][] = Array.from({ length: count }, () => [])
  for (const { caller, callee, bounds } of pairs.toSorted((a, b) => rank(a) - rank(b))) {
    const [one, other] = [groupOf(caller), groupOf(callee)]
    if (one === other) continue
    groups[one] = other
    const aheadNs = Math.round(bounds.aheadNs ?? 0)
    steps[caller]!.push({ to: callee, aheadNs })
    steps[callee]!.push({ to: caller, aheadNs: -aheadNs })
  }
  const ahead = new Float64Array(count)
  const seen = new Uint8Array(count)
  seen[root] = 1
  const queue = [root]
  for (const clock of queue) {
    for (const { to, aheadNs } of steps[clock]!) {
      if (seen[to]) continue
      seen[to] = 1
      ahead[to] = ahead[clock]! + aheadNs
      queue.push(to)
    }
  }
  return ahead
}
