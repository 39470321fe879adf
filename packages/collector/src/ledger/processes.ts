/** Processes that report of themselves: what they know, which of them are gone, and what of it is to be mended. */
import { parseProcessReport, type Attention, type ProcessFacts, type ProcessReport } from '../component/index.ts'

/** Processes that are known: the one that was heard of longest ago goes when another comes. */
const MAX_PROCESSES = 1_000
/** What was last heard of so long ago is not told any more. Milliseconds. */
const TOLD_MS = 3_600_000
/** So many reports may be missing before a process is said to be gone: a busy machine is late. */
const MISSED_REPORTS = 3.5
/** So many spans of one kind that never end are no requests that were under way. */
const LEAST_NEVER_ENDED = 10
/** Of one code that are told at a time. */
const MAX_TOLD = 20

interface Known {
  facts: ProcessFacts
  readonly firstSeenMs: number
  /** Since 1970. */
  lastSeenMs: number
  /** On a clock that stands still while the machine sleeps. */
  lastAt: number
}

export class Processes {
  readonly #known = new Map<string, Known>()

  /** `nowMs`: milliseconds since 1970; `at`: on the clock of `performance.now()`. */
  reported(header: string, nowMs = Date.now(), at = performance.now()): void {
    const facts = parseProcessReport(header)
    if (!facts) return
    const known = this.#known.get(facts.id)
    // What is late must not bring back one that has said goodbye.
    if (known?.facts.goodbye) return
    this.#known.delete(facts.id)
    this.#known.set(facts.id, { facts, firstSeenMs: known?.firstSeenMs ?? nowMs, lastSeenMs: nowMs, lastAt: at })
    if (this.#known.size > MAX_PROCESSES) this.#known.delete(this.#known.keys().next().value!)
  }

  /** The latest first. */
  report(nowMs = Date.now(), at = performance.now()): ProcessReport[] {
    return [...this.#known.values()]
      .filter(({ lastSeenMs }) => nowMs - lastSeenMs < TOLD_MS)
      .map(({ facts, firstSeenMs, lastSeenMs, lastAt }): ProcessReport => {
        const isGone = at - lastAt > MISSED_REPORTS * facts.everyMs
        const state = facts.goodbye ? 'ended' : isGone ? 'gone' : 'running'
        return { ...facts, state, firstSeenMs, lastSeenMs }
      })
      .reverse()
  }
}

/** What of processes is to be mended; of one code at most 20. */
export function attentionOf(processes: readonly ProcessReport[]): Attention[] {
  const all = processes.flatMap((process) => [
    ...gone(process),
    ...dropped(process),
    ...lost(process),
    ...neverEnded(process),
  ])
  return [...Map.groupBy(all, ({ code }) => code).values()].flatMap((ofCode) => ofCode.slice(0, MAX_TOLD))
}

function gone(process: ProcessReport): Attention[] {
  const { state, ended, waiting, open } = process
  if (state !== 'gone' || ended === 0) return []
  const left = waiting + open
  return [
    {
      ...of(process, 'gone_without_goodbye'),
      severity: 'warning',
      what: `${nameOf(process)} is gone without goodbye: it was killed, or crashed, or does not reach Spoor any more.${left > 0 ? ` ${left} of its spans ${left === 1 ? 'was' : 'were'} not sent or not ended when it was last heard of.` : ''}`,
      mend: 'End it by SIGTERM, and give it time to send what it has; the log of its machine tells whether it was killed for its memory.',
      lines: [{ kind: 'shell', text: 'dmesg | grep -i "killed process"' }],
    },
  ]
}

function dropped(process: ProcessReport): Attention[] {
  if (process.dropped === 0) return []
  return [
    {
      ...of(process, 'spans_dropped'),
      severity: 'error',
      what: `${nameOf(process)} has dropped ${process.dropped} of ${process.ended} spans, as more came than could be sent.`,
      mend: 'Let more wait, or sample.',
      lines: [{ kind: 'env', text: 'SPOOR_MAX_QUEUE_BYTES=268435456' }],
      count: process.dropped,
    },
  ]
}

function lost(process: ProcessReport): Attention[] {
  if (process.failed === 0) return []
  return [
    {
      ...of(process, 'spans_lost'),
      severity: 'error',
      what: `${nameOf(process)} could not deliver ${process.failed} of ${process.ended} spans. First: ${process.firstError || 'the receiver refused them'}`,
      mend: 'Let Spoor run before it; give it longer to try again.',
      lines: [{ kind: 'env', text: 'OTEL_EXPORTER_OTLP_TIMEOUT=60000' }],
      count: process.failed,
    },
  ]
}

function neverEnded(process: ProcessReport): Attention[] {
  const [kind] = process.neverEnded
  if (!process.goodbye || !kind || kind.count < LEAST_NEVER_ENDED) return []
  return [
    {
      ...of(process, 'never_ended'),
      severity: 'warning',
      what: `${nameOf(process)} has started ${kind.count} spans ${JSON.stringify(kind.name)} of ${kind.scope || 'a scope without a name'} that never ended, and are not shown.`,
      mend: 'End each span, whatever happens in between.',
      lines: [{ kind: 'code', text: 'try { await work() } finally { span.end() }' }],
      count: kind.count,
    },
  ]
}

function of(process: ProcessReport, code: string): Omit<Attention, 'severity' | 'what' | 'mend' | 'lines'> {
  const { id, service, firstSeenMs, lastSeenMs } = process
  return { id: JSON.stringify([code, id]), code, where: `service ${service}`, count: 1, firstSeenMs, lastSeenMs }
}

/** `checkout (process 4711 on web-1)`. */
function nameOf({ service, pid, host }: ProcessReport): string {
  return `${service || 'A process'} (process ${pid}${host && ` on ${host}`})`
}
