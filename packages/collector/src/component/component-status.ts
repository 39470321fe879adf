/**
 * How a component is, as events. States, transitions and aggregation are those of the OpenTelemetry Collector's
 * `componentstatus`, but for one transition: a component that was refused for good and then gets data through is `ok`
 * again, and does not stay `permanent_error` until a restart.
 *
 *     starting → ok ⇄ recoverable_error ⇄ permanent_error      any of them → fatal_error
 *     any of them → stopping → stopped
 */

/** What a component reports of itself; the others are the graph's to report. */
export type Condition = 'ok' | 'recoverable_error' | 'permanent_error'
export type ComponentStatus = 'none' | 'starting' | Condition | 'fatal_error' | 'stopping' | 'stopped'

/** A status, since when it is, and why. */
export interface StatusEvent {
  readonly status: ComponentStatus
  /** Milliseconds since 1970 at which the component came into the status. */
  readonly sinceMs: number
  /** What is wrong, the latest; `''` where nothing is. */
  readonly message: string
}

/** Tells of a component how it is now. Costs a comparison where nothing changes, so that it may be called for each request. */
export type Report = (status: Condition, message?: string) => void

const ALIVE: readonly ComponentStatus[] = ['recoverable_error', 'permanent_error', 'fatal_error', 'stopping']
const NEXT: Readonly<Record<ComponentStatus, readonly ComponentStatus[]>> = {
  none: ['starting'],
  starting: ['ok', ...ALIVE],
  ok: ALIVE,
  recoverable_error: ['ok', ...ALIVE],
  permanent_error: ['ok', ...ALIVE],
  fatal_error: ['stopping'],
  stopping: ['recoverable_error', 'permanent_error', 'fatal_error', 'stopped'],
  stopped: [],
}

/** The status of one component. */
export class StatusTracker {
  readonly #changed: (event: StatusEvent) => void
  #event: StatusEvent = { status: 'none', sinceMs: Date.now(), message: '' }

  /** `changed` hears of each change of the status; not of another message alone. */
  constructor(changed: (event: StatusEvent) => void = () => {}) {
    this.#changed = changed
  }

  get event(): StatusEvent {
    return this.#event
  }

  /** Goes to the status, or, in the same one, takes the new message. A transition that there is not changes nothing. */
  readonly to = (status: ComponentStatus, message = ''): void => {
    const before = this.#event
    if (before.status === status) {
      if (before.message !== message) this.#event = { ...before, message }
    } else if (NEXT[before.status].includes(status)) {
      this.#event = { status, sinceMs: Date.now(), message }
      this.#changed(this.#event)
    }
  }
}

/** Of a mixture, the first group of which there is one gives the status of the whole. */
const PRECEDENCE: readonly (readonly ComponentStatus[])[] = [
  ['fatal_error'],
  ['starting', 'none'],
  ['stopping', 'stopped'],
  ['permanent_error'],
  ['recoverable_error'],
]

/**
 * Several as one, as a pipeline's or the collector's. All the same: that one. Mixed: fatal errors before what starts or stops, before permanent,
 * before recoverable errors; a part that has stopped beside one that has not is a whole that stops, one that has not begun a whole that starts. An error is as old as its first part's,
 * and has its message with the part's name in front; any other status as old as its last part's.
 */
export function aggregate(parts: ReadonlyMap<string, StatusEvent>): StatusEvent {
  const events = [...parts].map(([name, event]) => ({ name, ...event })).toSorted((a, b) => a.sinceMs - b.sinceMs)
  const [first] = events
  if (!first) return { status: 'none', sinceMs: 0, message: '' }
  const isMixed = events.some((event) => event.status !== first.status)
  const group = isMixed ? PRECEDENCE.find((each) => events.some((event) => each.includes(event.status))) : undefined
  const [status] = group ?? [first.status]
  const those = events.filter((event) => (group ?? [status]).includes(event.status))
  const { name, sinceMs, message } = (status?.endsWith('_error') ? those[0] : those.at(-1)) ?? first
  return { status: status ?? first.status, sinceMs, message: message === '' ? '' : `${name}: ${message}` }
}

/** The troubles of a component that can have several at a time: it is as ill as the worst of them, and `ok` without any. */
export interface Troubles {
  set(name: string, status: Exclude<Condition, 'ok'>, message: string): void
  clear(name: string): void
}

export function createTroubles(report: Report): Troubles {
  const troubles = new Map<string, { status: Exclude<Condition, 'ok'>; message: string }>()
  const tell = (): void => {
    const all = [...troubles.values()]
    const worst = all.find(({ status }) => status === 'permanent_error') ?? all[0]
    if (worst) report(worst.status, worst.message)
    else report('ok')
  }
  return {
    set(name, status, message) {
      troubles.set(name, { status, message })
      tell()
    },
    clear(name) {
      if (troubles.delete(name)) tell()
    },
  }
}
