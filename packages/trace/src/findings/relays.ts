import { topRows } from '../children.ts'
import { SpanFlag } from '../model.ts'
import { addressOf, pathOf } from './addresses.ts'
import { at } from './at.ts'
import { bitsOf, countWithin, type Time } from './call-times.ts'
import { Evidence } from './evidence.ts'
import { idOf, type Finding, type Rule } from './finding.ts'
import { HANDING_ON } from './propagators.ts'
import type { SeenTrace } from './seen-trace.ts'

const [SERVER, CLIENT] = [2, 3]
const ERROR = 2
const DATABASE = ['db.system.name', 'db.system'] as const
/** So many calls make it a habit; more of them where paths do not tell that one is made of the other. */
const LEAST_CALLS = 5
const LEAST_CALLS_OF_OTHER_PATHS = 10
/** The share of them that must have gone on, and of the requests that must be of them. */
const LEAST_SHARE = 0.8
const LEAST_SHARE_OF_OTHER_PATHS = 0.95
/** How little it may be chance. */
const LEAST_BITS = 30
/** What a request may lie outside of the call that it is of, as clocks differ. Milliseconds. */
const SLACK_MS = 5
/** Until spans of the other side have come: they end before the call, and wait for their batch. Milliseconds. */
const SETTLED_MS = 6_000
/** Groups that are kept, and times of each. */
const MAX_GROUPS = 500
const MAX_TIMES = 200

interface Passing extends Time {
  readonly path: string | undefined
}

interface Group {
  readonly service: string
  readonly address: string
  readonly times: Passing[]
  readonly evidence: Evidence
}

/**
 * Calls to something that makes no spans and calls on: spans of a client without children, to an address that no service names as its own, and within each the
 * request of a server that begins a trace. Paths tell which is made of which; where they differ it has to be each call, and an address that is not out in the world.
 */
export function relays(): Rule {
  const calls = new Map<string, Group>()
  const requests = new Map<string, Group>()
  /** Addresses that services name as their own, or that spans are below calls to. */
  const answered = new Set<string>()
  const note = (groups: Map<string, Group>, seen: SeenTrace, row: number, address: string, about: string): void => {
    const service = seen.service(row)
    const key = `${service}\n${address}\n${about}`
    if (groups.size >= MAX_GROUPS && !groups.has(key)) return
    const group = at(groups, key, (): Group => ({ service, address, times: [], evidence: new Evidence() }))
    if (group.times.length >= MAX_TIMES) return
    const fromMs = seen.startMs(row)
    group.times.push({ fromMs, toMs: fromMs + seen.trace.durationsNs[row]! / 1e6, path: pathOf(seen, row) })
    group.evidence.add(seen, row)
  }
  return {
    add(seen) {
      const { trace } = seen
      for (let row = 0; row < trace.size; row++) {
        const kind = trace.kind[row]
        if (kind !== CLIENT && kind !== SERVER) continue
        const address = addressOf(seen, row)
        if (address === undefined) continue
        if (kind === SERVER || trace.childCount[row] !== 0) answered.add(address)
        else if (trace.status[row] !== ERROR && seen.attribute(row, ...DATABASE) === undefined)
          note(calls, seen, row, address, '')
      }
      for (const row of topRows(trace)) {
        if (trace.kind[row] !== SERVER || trace.linkCount[row] !== 0) continue
        if (trace.flags[row]! & (SpanFlag.orphan | SpanFlag.cycle)) continue
        note(requests, seen, row, addressOf(seen, row) ?? '', seen.name(row))
      }
    },
    found(nowMs) {
      const found = new Map<string, Finding>()
      for (const call of calls.values()) {
        if (answered.has(call.address)) continue
        for (const request of requests.values()) {
          const finding = between(call, request, nowMs - SETTLED_MS)
          if (finding && (found.get(finding.id)?.count ?? 0) < finding.count) found.set(finding.id, finding)
        }
      }
      return [...found.values()]
    },
  }
}

/** `settledMs`: what ended later may not be whole. */
function between(call: Group, request: Group, settledMs: number): Finding | undefined {
  const calls = call.times.filter(({ toMs }) => toMs <= settledMs)
  const requests = request.times.filter(({ toMs }) => toMs <= settledMs)
  if (calls.length < LEAST_CALLS || requests.length < LEAST_CALLS) return undefined
  const byPath = countWithin(calls, requests, SLACK_MS, isMadeOf)
  const isByPath =
    byPath >= LEAST_CALLS &&
    byPath >= LEAST_SHARE * requests.length &&
    bitsOf(calls, requests, byPath, SLACK_MS, isMadeOf) >= LEAST_BITS
  const count = isByPath ? byPath : countWithin(calls, requests, SLACK_MS)
  const isByTime = (): boolean =>
    isInside(call.address) &&
    count >= LEAST_CALLS_OF_OTHER_PATHS &&
    count >= LEAST_SHARE_OF_OTHER_PATHS * Math.max(calls.length, requests.length) &&
    bitsOf(calls, requests, count, SLACK_MS) >= LEAST_BITS
  if (!isByPath && !isByTime()) return undefined
  const [caller, callee] = [call.service, request.service]
  const shown = call.evidence.report()
  return {
    id: idOf('relay_without_context', caller, call.address, callee),
    code: 'relay_without_context',
    severity: 'error',
    what: `Calls of ${caller} to ${call.address} go on to ${callee}, where each begins a trace of its own: what listens at ${call.address} makes no spans and does not hand on the header traceparent.`,
    where: `${call.address}, between ${caller} and ${callee}`,
    services: caller === callee ? [caller] : [caller, callee],
    mend: `Trace what listens at ${call.address}, or let it put the header traceparent of a request on the ones that it makes for it.`,
    lines: HANDING_ON,
    ...shown,
    count,
    spans: [...shown.spans.slice(0, 10), ...request.evidence.report().spans.slice(0, 10)],
  }
}

/** Whether a relay makes one of the other: paths are handed on, or a prefix is put before them or taken away. */
function isMadeOf(call: Passing, request: Passing): boolean {
  const [from, to] = [call.path, request.path]
  if (from === undefined || to === undefined) return false
  return from === to || (to !== '/' && from.endsWith(to)) || (from !== '/' && to.endsWith(from))
}

/** A name or an address of a network of one's own: what has a name in the world is somebody else's. */
function isInside(address: string): boolean {
  const host = address.replace(/:\d+$/, '')
  return (
    /^(?:10|127)\.|^192\.168\.|^172\.(?:1[6-9]|2\d|3[01])\.|^\[?(?:::1|f[cd][0-9a-f]{2}:.*|fe80:.*)\]?$/.test(host) ||
    !host.includes('.') ||
    /\.(?:local|internal|lan|test|svc)$|\.svc\./.test(host)
  )
}
