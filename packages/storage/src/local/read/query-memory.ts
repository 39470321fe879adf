/**
 * What all queries of one reader may hold together beside the caches, in bytes: tables of traces, of the spans of a trace and of calls
 * that wait for their parent. 128 MiB are 2 million traces to be ordered, or the summary of a trace of a million spans.
 */
export const QUERY_BYTES = 128 << 20

/** Counts bytes against a limit. Nobody waits for some: who gets none ends with what it has. */
export class QueryMemory {
  #taken = 0
  readonly #maxBytes: number

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  take(bytes: number): boolean {
    if (this.#taken + bytes > this.#maxBytes) return false
    this.#taken += bytes
    return true
  }

  give(bytes: number): void {
    this.#taken -= bytes
  }
}
