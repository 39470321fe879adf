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

/** Rows keep their places within so many pixels. */
const stretch = 2 ** 20

/**
 * Where rows that are scaled lie: at their own place less `base`, in what is moved down by `moved`. While one scrolls `moved` changes alone, so that each row
 * stays where it is in it, until the next stretch begins. `top`: of the first row in sight, among all rows. Pixels.
 */
export function rowPlace(top: number, scrolled: number, factor: number): { base: number; moved: number } {
  const base = Math.floor(top / stretch) * stretch
  return { base, moved: base - Math.round(scrolled * factor - scrolled) }
}

/**
 * By how many pixels to scroll for rows to go by `delta`, where they are scaled by `factor`. Places are whole pixels: `rest` is what is over, for the next
 * turn to begin with.
 */
export function turnedBy(delta: number, factor: number, rest: number): { pixels: number; rest: number } {
  const wanted = delta / factor + rest
  const pixels = Math.trunc(wanted)
  return { pixels, rest: wanted - pixels }
}
