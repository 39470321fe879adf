/** What came of a run: how many, how fast, what failed, and how many traces are whole. */
import { Latencies } from './latencies.ts'
import type { LoadState } from './load.ts'
import type { Classification } from './send.ts'
import { servicesOf } from './whole-traces.ts'
import type { Expected, WholeTraces } from './whole-traces.ts'

/** Traces that are remembered to be looked up, so that a run without an end needs no memory without one. */
const MOST_EXPECTED = 100_000
/** Kinds of failure that are told apart. */
const MOST_REASONS = 20
const NO_TRACE = '0'.repeat(32)

/** Counts the answers of a run. */
export class Tally {
  readonly latencies = new Latencies()
  readonly #reasons = new Map<string, number>()
  readonly #expected = new Map<string, number>()
  #failed = 0

  get failed(): number {
    return this.#failed
  }

  /** Of the first 100,000 requests that were traced. */
  get expected(): Expected {
    return this.#expected
  }

  /** Reasons of failures and how often each, the most frequent first. */
  get reasons(): [reason: string, count: number][] {
    return [...this.#reasons].sort((a, b) => b[1] - a[1])
  }

  add({ traceId, result, error, elapsedMs }: Classification): void {
    if (traceId !== '' && traceId !== NO_TRACE && this.#expected.size < MOST_EXPECTED)
      this.#expected.set(traceId, servicesOf(result?.votes.length))
    if (error === undefined) {
      this.latencies.add(elapsedMs)
      return
    }
    this.#failed++
    const reason = this.#reasons.has(error) || this.#reasons.size < MOST_REASONS ? error : 'other reasons'
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1)
  }
}

/** A run that has ended. */
export interface Run {
  readonly id: string
  readonly seconds: number
  readonly state: LoadState
  readonly tally: Tally
  readonly page: string
  /** Absent where nobody asked for it; a sentence where Spoor was not asked. */
  readonly traces?: WholeTraces | string
}

/** The run as one JSON object: milliseconds, counts. */
export function summaryJson({ id, seconds, state, tally, traces }: Run): object {
  const { latencies } = tally
  return {
    run: id,
    seconds,
    sent: state.sent,
    classified: latencies.count,
    failed: tally.failed,
    late: state.late,
    latencyMs: Object.fromEntries(percentilesOf(latencies)),
    reasons: Object.fromEntries(tally.reasons),
    ...(traces !== undefined && { traces }),
  }
}

/** The run as lines for people. */
export function summaryLines({ id, seconds, state, tally, page, traces }: Run): string[] {
  const { latencies, failed } = tally
  const rate = seconds > 0 ? (state.sent / seconds).toFixed(1) : '-'
  const lines = [
    [
      'sent',
      `${state.sent} in ${seconds.toFixed(1)} s, ${rate} a second: ${latencies.count} classified, ${failed} failed`,
    ],
  ]
  if (latencies.count > 0)
    lines.push([
      'latency',
      percentilesOf(latencies)
        .map(([name, ms]) => `${name} ${milliseconds(ms)}`)
        .join('   '),
    ])
  if (state.late > 0)
    lines.push([
      'late',
      `${state.late} waited for others to be answered, for at most ${milliseconds(state.mostLateMs)}`,
    ])
  for (const [reason, count] of tally.reasons) lines.push(['failed', `${count} × ${reason}`])
  if (traces !== undefined) lines.push(['traces', typeof traces === 'string' ? traces : tracesText(traces)])
  if (tally.expected.size > 0) lines.push(['see', `${page}/search?q=load.run.id:${id}`])
  return lines.map(([name = '', text]) => `  ${name.padEnd(8)}  ${text}`)
}

function percentilesOf(latencies: Latencies): [name: string, ms: number][] {
  return [
    ['min', latencies.min],
    ...[50, 90, 95, 99].map((percent): [string, number] => [`p${percent}`, latencies.percentile(percent / 100)]),
    ['max', latencies.max],
  ]
}

function tracesText({ expected, whole, missing, broken, short }: WholeTraces): string {
  if (expected === 0) return 'none: the client is not traced; start it with node --import @spoor/instrument/register'
  const rest = [
    missing > 0 && `${missing} not stored`,
    broken > 0 && `${broken} with spans whose parents are missing`,
    short > 0 && `${short} with fewer services than have answered`,
  ].filter((part) => part !== false)
  return [`${whole} of ${expected} whole`, ...rest].join(', ')
}

/** `143 ms` or `1.20 s`. */
function milliseconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`
}
