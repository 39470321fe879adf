import type { StatusResponse, StoreEventRow } from 'spoor/api'
import { reasonsOf } from './health-reasons.ts'

/** One thing that is wrong now. */
export interface Trouble {
  /** In words, as the server says it. */
  readonly text: string
  /** Milliseconds since 1970; undefined when it is not known. */
  readonly sinceMs: number | undefined
  /** The mending line. */
  readonly advice: string
}

/** What mends it, by the event that tells of it. */
const ADVICE: Readonly<Record<string, string>> = {
  full: 'Free some space on the disk, or start Spoor with a lower --max-disk. Senders keep their spans and try again.',
  failing: 'Spoor tries again by itself; senders keep their spans meanwhile. Look at the disk and at Spoor’s log.',
  gave_up: 'Restart Spoor. What was acknowledged is kept. If it happens again, look at the disk and at Spoor’s log.',
  damaged:
    'What can be read is shown; searches over the damaged piece say that they are not complete. Look at the disk: other files may be next.',
}
const NO_ADVICE = 'Senders keep their spans and try again. Spoor’s log tells more.'

/** What is wrong now, each with when it began and what mends it; empty when nothing is. */
export function troublesOf(status: StatusResponse): Trouble[] {
  const { health } = status
  return reasonsOf(status).map(({ text, code }): Trouble => {
    if (code === 'damaged') {
      const first = health.recent.findLast((event) => event.code === code)
      return { text, sinceMs: first?.atMs, advice: ADVICE[code]! }
    }
    const event = beginningOf(text, health.recent)
    return { text, sinceMs: event?.atMs, advice: (event && ADVICE[event.code]) ?? NO_ADVICE }
  })
}

/** The event that began the trouble: the earliest of its kind that nothing mended since. `recent` has the latest first. */
function beginningOf(text: string, recent: readonly StoreEventRow[]): StoreEventRow | undefined {
  const last = recent.find((event) => event.text === text)
  if (!last) return undefined
  const mended = recent.findIndex(({ code }) => code === 'recovered_again')
  const since = mended === -1 ? recent : recent.slice(0, mended)
  return since.findLast(({ code }) => code === last.code) ?? last
}
