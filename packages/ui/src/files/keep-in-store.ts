import { joinBytes, splitItems } from '@spoor/otlp'
import { postBytes } from '../api/client.ts'

/** What is sent at a time; the server takes at most twice as much. Bytes. */
const maxBytes = 8 << 20

/** Puts traces into the store, a few at a time. `onProgress` hears how many are there. Rejects with `ApiFailure`; what was sent before stays. */
export async function keepInStore(
  traces: readonly Uint8Array<ArrayBuffer>[],
  onProgress: (done: number) => void,
): Promise<void> {
  for (let from = 0; from < traces.length;) {
    let to = from
    for (let bytes = 0; to < traces.length && (to === from || bytes + traces[to]!.length <= maxBytes); to++) {
      bytes += traces[to]!.length
    }
    // Requests that are laid end to end are one; a trace that is larger alone is sent in parts.
    for (const { bytes } of splitItems('traces', joinBytes(traces.slice(from, to)), { maxBytes })) {
      await postBytes('traces', bytes as Uint8Array<ArrayBuffer>)
    }
    from = to
    onProgress(from)
  }
}
