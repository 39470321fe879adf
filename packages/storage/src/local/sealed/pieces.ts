/** Rows of one call. */
const PIECE = 2048

/**
 * Calls `work` for the rows `[from, to)` of one piece after the other, until there have been `count`.
 *
 * V8 compiles a function well that is called often, and keeps that code as long as the function. A function that is called once a section, with a loop over all
 * its rows, is compiled in the midst of this loop, for this call alone, and so is a closure, as it is another one in each section. So a loop over
 * rows belongs to a function of a module or to a method, which `work` calls.
 */
export function inPieces(count: number, work: (from: number, to: number) => void): void {
  for (let from = 0; from < count; from += PIECE) work(from, Math.min(from + PIECE, count))
}

/** The numbers from 0 to `count` - 1. */
export function allOf(count: number): Uint32Array {
  const all = new Uint32Array(count)
  inPieces(count, (from, to) => putNumbers(all, from, to))
  return all
}

function putNumbers(all: Uint32Array, from: number, to: number): void {
  for (let i = from; i < to; i++) all[i] = i
}
