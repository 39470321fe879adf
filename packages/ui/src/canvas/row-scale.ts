/** Firefox draws nothing that is further down than 17.9 million pixels. */
export const maxHeight = 16_000_000

/** How rows that are higher together than what a browser can scroll lie in what it can. Pixels. */
export interface RowScale {
  /** Of what is scrolled. */
  readonly height: number
  /** Pixels of rows to a pixel that is scrolled: 1, but of very many rows. */
  readonly factor: number
}

/**
 * `total`: height of all rows; `room`: of what is in sight of them. At the top the first row is in sight, and at the end the last.
 *
 *      scrolled 0 ────────────────► height - room
 *      rows     0 ──── × factor ──► total - room
 */
export function rowScale(total: number, room: number): RowScale {
  const height = Math.min(total, maxHeight)
  return { height, factor: total > height && height > room ? (total - room) / (height - room) : 1 }
}
