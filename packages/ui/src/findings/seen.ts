import type { AttentionRow } from 'spoor/api'
import { create } from 'zustand'
import { persist } from 'zustand/middleware'

/** Things that are remembered as seen; of more, those go that were seen longest ago. */
const MAX_SEEN = 500

/** When each thing was seen last by whoever uses this browser, by {@link keyOf}. Milliseconds since 1970. */
export type SeenAt = Readonly<Record<string, number>>

type Known = Pick<AttentionRow, 'id' | 'code' | 'where' | 'firstSeenMs'>

/** The same for the same thing, though its figures change. */
export function keyOf({ id, code, where }: Known): string {
  return id ?? `${code}\n${where}`
}

/** Those that nobody has seen here, or that began anew since. */
export function unseenOf<R extends Known>(rows: readonly R[], seenAt: SeenAt): R[] {
  return rows.filter((row) => !(seenAt[keyOf(row)]! >= row.firstSeenMs))
}

/** `nowMs`: the clock of the server, so that the browser's may be wrong; at least what its rows say. */
export function seenNow(rows: readonly Known[], seenAt: SeenAt, nowMs: number): SeenAt {
  const now = rows.map((row) => [keyOf(row), Math.max(nowMs, row.firstSeenMs)] as const)
  const all = Object.entries({ ...seenAt, ...Object.fromEntries(now) })
  return Object.fromEntries(all.sort(([, a], [, b]) => b - a).slice(0, MAX_SEEN))
}

interface Seen {
  readonly at: SeenAt
  readonly see: (rows: readonly Known[]) => void
}

/** Kept in this browser. */
export const useSeen = create<Seen>()(
  persist(
    (set) => ({
      at: {},
      see: (rows) => set(({ at }) => ({ at: seenNow(rows, at, Date.now()) })),
    }),
    { name: 'spoor.seen-findings', version: 1 },
  ),
)
