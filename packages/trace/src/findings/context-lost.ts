import { SpanFlag } from '../model.ts'
import { topRows } from '../children.ts'
import { at } from './at.ts'
import { Evidence } from './evidence.ts'
import { idOf, type Finding, type Rule } from './finding.ts'
import type { SeenTrace } from './seen-trace.ts'

const [SERVER, CLIENT, PRODUCER, CONSUMER] = [2, 3, 4, 5]
/** So many calls make it a habit, and the share of them that must be without their other side. */
const LEAST_CALLS = 3
const LEAST_SHARE = 0.8
/** What a server's span may lie outside of the call that it answers, as clocks differ. Milliseconds. */
const SLACK_MS = 50
/** Until the other side's spans have come: they end before the call, and wait for their batch, of five seconds as SDKs have it. Milliseconds. */
const SETTLED_MS = 6_000
/** Addresses that are kept, and calls or answers of one. */
const MAX_ADDRESSES = 1_000
const MAX_TIMES = 1_000

interface Time {
  readonly fromMs: number
  readonly toMs: number
}

/** What one side knows of an address: the callers' spans to it that have no child, the callees' that have no parent. */
interface Edge {
  readonly address: string
  readonly callers: Map<string, Calls>
  readonly callees: Map<string, Answers>
}

interface Calls {
  /** When those ended that have their other side. */
  readonly wholeMs: number[]
  readonly alone: Time[]
  readonly evidence: Evidence
}

interface Answers {
  all: number
  readonly roots: Time[]
  readonly evidence: Evidence
}

/**
 * Calls whose other side is in a trace of its own: spans of a client to an address, without children, at the times at which spans of a server of that address
 * begin traces. The same of messages, by the name of where they are sent. On the way between them the context is lost.
 */
export function contextLost(): Rule {
  const edges = new Map<string, Edge>()
  const edgeOf = (address: string): Edge | undefined =>
    edges.size >= MAX_ADDRESSES && !edges.has(address)
      ? undefined
      : at(edges, address, () => ({ address, callers: new Map<string, Calls>(), callees: new Map<string, Answers>() }))
  return {
    add(seen) {
      const { trace } = seen
      for (let row = 0; row < trace.size; row++) {
        const kind = trace.kind[row]
        if (kind !== CLIENT && kind !== PRODUCER) continue
        const address = addressOf(seen, row)
        const edge = address && edgeOf(address)
        if (!edge) continue
        const calls = at(edge.callers, seen.service(row), (): Calls => ({
          wholeMs: [],
          alone: [],
          evidence: new Evidence(),
        }))
        const time = timeOf(seen, row)
        if (trace.childCount[row] !== 0) {
          if (calls.wholeMs.length < MAX_TIMES) calls.wholeMs.push(time.toMs)
        } else if (calls.alone.length < MAX_TIMES) {
          calls.alone.push(time)
          calls.evidence.add(seen, row)
        }
      }
      for (const row of topRows(trace)) {
        const kind = trace.kind[row]
        if ((kind !== SERVER && kind !== CONSUMER) || trace.flags[row]! & (SpanFlag.orphan | SpanFlag.cycle)) continue
        // A consumer that links to what it got has not lost it.
        if (trace.linkCount[row] !== 0) continue
        const address = addressOf(seen, row)
        const edge = address && edgeOf(address)
        if (!edge) continue
        const answers = at(edge.callees, seen.service(row), (): Answers => ({
          all: 0,
          roots: [],
          evidence: new Evidence(),
        }))
        answers.all++
        if (answers.roots.length >= MAX_TIMES) continue
        answers.roots.push(timeOf(seen, row))
        answers.evidence.add(seen, row)
      }
    },
    found: (nowMs) => [...edges.values()].flatMap((edge) => lossesAt(edge, nowMs - SETTLED_MS)),
  }
}

function timeOf(seen: SeenTrace, row: number): Time {
  const fromMs = seen.startMs(row)
  return { fromMs, toMs: fromMs + seen.trace.durationsNs[row]! / 1e6 }
}

/** What both sides of a call name alike: `orders:8080` of HTTP and gRPC, the destination of messages. Old names of attributes, too. */
function addressOf(seen: SeenTrace, row: number): string | undefined {
  const destination = seen.attribute(row, 'messaging.destination.name', 'messaging.destination')
  if (destination !== undefined) return `messages to ${destination}`
  if (seen.trace.kind[row] === PRODUCER || seen.trace.kind[row] === CONSUMER) return undefined
  const host = seen.attribute(row, 'server.address', 'net.peer.name', 'http.host', 'net.host.name')
  if (host === undefined) return authorityOf(seen.attribute(row, 'url.full', 'http.url'))
  const port = seen.attribute(row, 'server.port', 'net.peer.port', 'net.host.port')
  const name = host.toLowerCase()
  return port === undefined || /:\d+$/.test(name) ? name : `${name}:${port}`
}

function authorityOf(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined
  const { hostname, port, protocol } = new URL(url)
  return hostname === '' ? undefined : `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
}

/** `settledMs`: what ended later may not be whole. */
function lossesAt({ address, callers, callees }: Edge, settledMs: number): Finding[] {
  const found: Finding[] = []
  for (const [caller, calls] of callers) {
    const alone = calls.alone.filter(({ toMs }) => toMs <= settledMs)
    const all = alone.length + calls.wholeMs.filter((toMs) => toMs <= settledMs).length
    if (alone.length < LEAST_CALLS || alone.length < LEAST_SHARE * all) continue
    for (const [callee, answers] of callees) {
      if (callee === caller) continue
      const matched = matches(alone, answers.roots, address.startsWith('messages to '))
      if (matched < LEAST_CALLS || matched < LEAST_SHARE * Math.min(alone.length, answers.roots.length)) continue
      const shown = calls.evidence.report()
      found.push({
        id: idOf('context_lost', caller, callee, address),
        code: 'context_lost',
        severity: 'error',
        what: `Calls of ${caller} to ${callee} (${address}) are in two traces each: the context is lost on the way.`,
        where: `services ${caller} and ${callee}`,
        services: [caller, callee],
        mend: 'Let the same propagators be on both sides; and whatever is in between (a proxy, a queue, a thread) hand on the header traceparent.',
        lines: [{ kind: 'env', text: 'OTEL_PROPAGATORS=tracecontext,baggage,b3' }],
        ...shown,
        count: matched,
        spans: [...shown.spans.slice(0, 10), ...answers.evidence.report().spans.slice(0, 10)],
      })
    }
  }
  return found
}

/** How many answers lie within a call each, of those that no other answer has taken; of messages, how many begin after one was sent. */
function matches(calls: readonly Time[], answers: readonly Time[], areMessages: boolean): number {
  const free = calls.toSorted((a, b) => a.fromMs - b.fromMs)
  let matched = 0
  for (const { fromMs, toMs } of answers.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const index = free.findIndex((call) =>
      areMessages
        ? call.fromMs <= fromMs + SLACK_MS
        : call.fromMs <= fromMs + SLACK_MS &&
          toMs <= call.toMs + SLACK_MS &&
          toMs - fromMs <= call.toMs - call.fromMs + 1,
    )
    if (index === -1) continue
    free.splice(index, 1)
    matched++
  }
  return matched
}
