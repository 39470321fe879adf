import { tracesToJson } from '@spoor/otlp'

/** What the JSON view is sent: the text laid out, its lines where they begin, or why there is none. */
export type JsonReply =
  | { readonly kind: 'text'; readonly lines: readonly string[]; readonly lineCount: number; readonly blob: Blob }
  | { readonly kind: 'failed'; readonly message: string }

/** Lines that are shown at most; the download has all. */
const maxLines = 100_000

addEventListener('message', (event: MessageEvent<Uint8Array>) => postMessage(convert(event.data)))

function convert(bytes: Uint8Array): JsonReply {
  try {
    const text = JSON.stringify(JSON.parse(tracesToJson(bytes)), null, 2)
    const lines: string[] = []
    let lineCount = 0
    for (let from = 0; from < text.length; lineCount++) {
      const end = text.indexOf('\n', from)
      const to = end < 0 ? text.length : end
      if (lineCount < maxLines) lines.push(text.slice(from, to))
      from = to + 1
    }
    return { kind: 'text', lines, lineCount, blob: new Blob([text], { type: 'application/json' }) }
  } catch (error) {
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) }
  }
}
