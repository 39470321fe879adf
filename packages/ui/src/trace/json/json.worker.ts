import { tracesToJson } from '@spoor/otlp'
import { answer } from '../../worker/answer.ts'

/** What the JSON view is sent: the text laid out, and its first lines. */
export interface JsonReply {
  readonly lines: readonly string[]
  readonly lineCount: number
  readonly blob: Blob
}

/** Lines that are shown at most; the download has all. */
const maxLines = 100_000

answer((bytes: Uint8Array) => ({ reply: convert(bytes) }))

function convert(bytes: Uint8Array): JsonReply {
  const text = JSON.stringify(JSON.parse(tracesToJson(bytes)), null, 2)
  const lines: string[] = []
  let lineCount = 0
  for (let from = 0; from < text.length; lineCount++) {
    const end = text.indexOf('\n', from)
    const to = end < 0 ? text.length : end
    if (lineCount < maxLines) lines.push(text.slice(from, to))
    from = to + 1
  }
  return { lines, lineCount, blob: new Blob([text], { type: 'application/json' }) }
}
