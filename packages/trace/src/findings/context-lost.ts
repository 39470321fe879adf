import { SpanFlag } from '../model.ts'
import { topRows } from '../children.ts'
import { addressOf } from './addresses.ts'
import { at } from './at.ts'
import { bitsOf, countWithin, type Time } from './call-times.ts'
import { Evidence } from './evidence.ts'
import { idOf, type Finding, type Rule } from './finding.ts'
import { outOfSilence } from './propagators.ts'
import type { SeenTrace } from './seen-trace.ts'

const [SERVER, CLIENT, PRODUCER, CONSUMER] = [2, 3, 4, 5]
/** So many calls make it a habit, and the share of them that must be without their other side. */
const LEAST_CALLS = 3
const LEAST_SHARE = 0.8
/** What a server's span may lie outside of the call that it answers, as clocks differ. Milliseconds. */
const SLACK_MS = 50
/** How little it may be chance where a service calls itself, whose other requests lie beside it. */
const LEAST_BITS = 20
/** Until the other side's spans have come: they end before the call, and wait for their batch, of five seconds as SDKs have it. Milliseconds. */
const SETTLED_MS = 6_000
/** Addresses that are kept, and calls or answers of one. */
const MAX_ADDRESSES = 1_000
const MAX_TIMES = 1_000

/** What is known of a service, whomever it speaks to. */
interface Habit {
  readonly language: string
  /** Its context has gone over to another service, or one of another has come. */
  handsOn: boolean
  takes: boolean
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
  const habits = new Map<string, Habit>()
  const habitOf = (seen: SeenTrace, row: number): Habit =>
    at(habits, seen.service(row), () => ({
      language: seen.resource(row, ['telemetry.sdk.language']),
      handsOn: false,
      takes: false,
    }))
  const edgeOf = (address: string): Edge | undefined =>
    edges.size >= MAX_ADDRESSES && !edges.has(address)
      ? undefined
      : at(edges, address, () => ({ address, callers: new Map<string, Calls>(), callees: new Map<string, Answers>() }))
  return {
    add(seen) {
      const { trace } = seen
      for (let row = 0; row < trace.size; row++) {
        const kind = trace.kind[row]
        const habit = habitOf(seen, row)
        const above = trace.parent[row]!
        if ((kind === SERVER || kind === CONSUMER) && above >= 0 && trace.kind[above] !== SERVER) {
          habit.takes = true
          habitOf(seen, above).handsOn = true
        }
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
    found: (nowMs) => [...edges.values()].flatMap((edge) => lossesAt(edge, habits, nowMs - SETTLED_MS)),
  }
}

function timeOf(seen: SeenTrace, row: number): Time {
  const fromMs = seen.startMs(row)
  return { fromMs, toMs: fromMs + seen.trace.durationsNs[row]! / 1e6 }
}

/** `settledMs`: what ended later may not be whole. */
function lossesAt(
  { address, callers, callees }: Edge,
  habits: ReadonlyMap<string, Habit>,
  settledMs: number,
): Finding[] {
  const areMessages = address.startsWith('messages to ')
  const found: Finding[] = []
  for (const [caller, calls] of callers) {
    const alone = calls.alone.filter(({ toMs }) => toMs <= settledMs)
    const all = alone.length + calls.wholeMs.filter((toMs) => toMs <= settledMs).length
    if (alone.length < LEAST_CALLS || alone.length < LEAST_SHARE * all) continue
    for (const [callee, answers] of callees) {
      // What a service sends to itself over a queue may be linked, or nothing of it wanted.
      if (callee === caller && areMessages) continue
      const matched = areMessages
        ? countAfter(alone, answers.roots)
        : countWithin(alone, answers.roots, callee === caller ? 0 : SLACK_MS)
      if (matched < LEAST_CALLS || matched < LEAST_SHARE * Math.min(alone.length, answers.roots.length)) continue
      if (callee === caller && bitsOf(alone, answers.roots, matched, 0) < LEAST_BITS) continue
      const shown = calls.evidence.report()
      const [from, to] = [habits.get(caller)!, habits.get(callee)!]
      found.push({
        id: idOf('context_lost', caller, callee, address),
        code: 'context_lost',
        severity: 'error',
        what: `Calls of ${caller} to ${callee === caller ? 'itself' : callee} (${address}) are in two traces each: the context is lost on the way.`,
        where: callee === caller ? `service ${caller}` : `services ${caller} and ${callee}`,
        services: callee === caller ? [caller] : [caller, callee],
        ...outOfSilence([
          { service: caller, language: from.language, isProven: from.handsOn },
          { service: callee, language: to.language, isProven: to.takes },
        ]),
        ...shown,
        count: matched,
        spans: [...shown.spans.slice(0, 10), ...answers.evidence.report().spans.slice(0, 10)],
      })
    }
  }
  return found
}

/** How many answers begin after a message was sent, of those that no other answer has taken. */
function countAfter(calls: readonly Time[], answers: readonly Time[]): number {
  const free = calls.toSorted((a, b) => a.fromMs - b.fromMs)
  let count = 0
  for (const { fromMs } of answers.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const index = free.findIndex((call) => call.fromMs <= fromMs + SLACK_MS)
    if (index === -1) continue
    free.splice(index, 1)
    count++
  }
  return count
}
