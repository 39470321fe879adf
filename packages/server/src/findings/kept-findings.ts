import type { FindingRow } from '../api.ts'

/** Findings of one code that are kept, so that there is room for the others: of more, those that were seen longest ago go. */
const MAX_OF_CODE = 20
/** How long one is kept that is not seen any more. Milliseconds. */
const KEPT_MS = 3_600_000

/** What looks have found, each thing once: since when, until when, and the spans that show it now. A look sees a sample: what one does not see, the next may see again. */
export class KeptFindings {
  /** Those that had to go, as there were too many. */
  forgotten = 0
  #rows = new Map<string, FindingRow>()

  /** `nowMs`: milliseconds since 1970. */
  merge(found: readonly FindingRow[], nowMs: number): void {
    const rows = new Map<string, FindingRow>()
    for (const row of found) rows.set(row.id, joined(this.#rows.get(row.id), row))
    for (const [id, row] of this.#rows) if (!rows.has(id) && nowMs - row.lastSeenMs < KEPT_MS) rows.set(id, row)
    const latest = [...rows.values()].sort((a, b) => b.lastSeenMs - a.lastSeenMs)
    const keptRows = [...Map.groupBy(latest, ({ code }) => code).values()].flatMap((ofCode) =>
      ofCode.slice(0, MAX_OF_CODE),
    )
    this.forgotten += rows.size - keptRows.length
    this.#rows = new Map(keptRows.map((row) => [row.id, row]))
  }

  /** Those of one code together, the latest first. */
  all(): FindingRow[] {
    return [...this.#rows.values()]
  }
}

/** Looks overlap: what both have seen is counted once, so it is at least what one of them has counted. */
function joined(before: FindingRow | undefined, now: FindingRow): FindingRow {
  if (!before) return now
  return {
    ...now,
    firstSeenMs: Math.min(before.firstSeenMs, now.firstSeenMs),
    lastSeenMs: Math.max(before.lastSeenMs, now.lastSeenMs),
    count: Math.max(before.count, now.count),
  }
}
