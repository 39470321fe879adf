import { answer, type AtWork } from '../../worker/answer.ts'
import { jsonLines } from './json-lines.ts'

/** What the JSON view is sent: the text laid out, and its first lines. */
export interface JsonReply {
  readonly lines: readonly string[]
  readonly lineCount: number
  readonly blob: Blob
}

/** Lines that are shown at most; the download has all. */
const maxLines = 100_000

answer((bytes: Uint8Array, { alive }: AtWork) => {
  const { pieces, ...reply } = jsonLines(bytes, maxLines, alive)
  return { reply: { ...reply, blob: new Blob([...pieces], { type: 'application/json' }) } satisfies JsonReply }
})
