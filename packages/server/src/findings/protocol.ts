import type { Finding } from '@spoor/trace'

/** Desk -> worker: the traces of one look, each in its chunks, then what they show together. `nowMs`: when they were read, milliseconds since 1970. */
export type ToFindingsWorker =
  | { readonly type: 'trace'; readonly traceId: string; readonly chunks: readonly Uint8Array[] }
  | { readonly type: 'found'; readonly nowMs: number }

/** Worker -> desk: the answer to `found`, after which the next look begins with nothing. `cpuMs`: what the look has cost this thread. */
export type FromFindingsWorker =
  | { readonly findings: readonly Finding[]; readonly cpuMs: number }
  | { readonly error: string }
