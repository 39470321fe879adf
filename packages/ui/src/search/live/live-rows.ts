import type { TraceRow } from 'spoor/api'

/** Rows that a live list has at most by what comes, and those that wait to be shown. */
export const maxShown = 2000
export const maxWaiting = 1000

/** A list that is live: what is in it, and what came while somebody was reading it. */
export interface LiveRows {
  /** The newest first. */
  readonly shown: readonly TraceRow[]
  /** By trace id, the latest row of each, in the order in which they came. */
  readonly waiting: ReadonlyMap<string, TraceRow>
  /** Whether some that came were left out of `waiting`, or old ones taken from `shown`, as there were too many. */
  readonly leftOut: boolean
  readonly cut: boolean
}

export const noRows: LiveRows = { shown: [], waiting: new Map(), leftOut: false, cut: false }

/** Traces with new spans have come: what is shown is changed where it stands, the others wait; or, with `onTop`, are put on top at once. */
export function arrived(live: LiveRows, rows: readonly TraceRow[], onTop: boolean): LiveRows {
  const next = waitingWith({ ...live, shown: changed(live.shown, rows) }, rows)
  return onTop ? withWaiting(next) : next
}

/** A search has found these, the newest first: what is older than all that is shown stands below it, what else is not known has come meanwhile. */
export function found(live: LiveRows, rows: readonly TraceRow[], onTop: boolean): LiveRows {
  const shown = changed(live.shown, rows)
  const known = idsOf(shown)
  const last = shown.at(-1)
  const unknown = rows.filter(({ traceId }) => !known.has(traceId))
  const older = (row: TraceRow) => last === undefined || BigInt(row.start) < BigInt(last.start)
  if (unknown.length === 0) return shown === live.shown ? live : { ...live, shown }
  const below = unknown.filter((row) => older(row) && !live.waiting.has(row.traceId))
  const next = waitingWith(
    { ...live, shown: below.length > 0 ? [...shown, ...below] : shown },
    unknown.filter((row) => !older(row)),
  )
  return onTop ? withWaiting(next) : next
}

/** What waits is put on top. */
export function withWaiting(live: LiveRows): LiveRows {
  if (live.waiting.size === 0) return live
  const fresh = [...live.waiting.values()].sort((a, b) => (BigInt(a.start) < BigInt(b.start) ? 1 : -1))
  const all = [...fresh, ...live.shown]
  // What somebody has asked for by scrolling stays.
  const most = Math.max(maxShown, live.shown.length)
  return {
    shown: all.length > most ? all.slice(0, most) : all,
    waiting: noRows.waiting,
    leftOut: false,
    cut: live.cut || all.length > most,
  }
}

const idsOf = (rows: readonly TraceRow[]) => new Set(rows.map(({ traceId }) => traceId))

/** The same rows, some of them by their latest state; the same array where there is nothing new. */
function changed(shown: readonly TraceRow[], rows: readonly TraceRow[]): readonly TraceRow[] {
  const latest = new Map(rows.map((row) => [row.traceId, row]))
  if (!shown.some(({ traceId }) => latest.has(traceId))) return shown
  return shown.map((row) => latest.get(row.traceId) ?? row)
}

function waitingWith(live: LiveRows, rows: readonly TraceRow[]): LiveRows {
  const known = idsOf(live.shown)
  const fresh = rows.filter(({ traceId }) => !known.has(traceId))
  if (fresh.length === 0) return live
  const waiting = new Map(live.waiting)
  for (const row of fresh) waiting.set(row.traceId, row)
  const leftOut = waiting.size > maxWaiting
  for (const traceId of waiting.keys()) {
    if (waiting.size <= maxWaiting) break
    waiting.delete(traceId)
  }
  return { ...live, waiting, leftOut: live.leftOut || leftOut }
}
