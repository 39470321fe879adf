import { resourceSpansJson } from '../../files/otlp-json.ts'

/** A text that is laid out, in lines. */
export interface JsonLines {
  /** The first of them. */
  readonly lines: readonly string[]
  readonly lineCount: number
  /** All of it, in pieces: one text would be too long for a large trace. */
  readonly pieces: readonly Blob[]
}

/** Lays OTLP/JSON out by two spaces, a part after the other. `alive` is called between them. `atOnce`: spans to a part. */
export function jsonLines(bytes: Uint8Array, maxLines: number, alive: () => void, atOnce?: number): JsonLines {
  const lines: string[] = []
  const pieces: Blob[] = []
  let lineCount = 0
  const add = (text: string) => {
    pieces.push(new Blob([text]))
    for (let from = 0; from < text.length; lineCount++) {
      const end = text.indexOf('\n', from)
      const to = end < 0 ? text.length : end
      if (lineCount < maxLines) lines.push(text.slice(from, to))
      from = to + 1
    }
    alive()
  }
  add('{\n  "resourceSpans": [\n')
  let isFirst = true
  for (const items of resourceSpansJson(bytes, atOnce)) {
    for (const item of JSON.parse(`[${items}]`) as unknown[]) {
      const text = JSON.stringify(item, null, 2).replaceAll('\n', '\n    ')
      // A comma belongs to the line that ends before it.
      if (!isFirst) {
        pieces.push(new Blob([',\n']))
        if (lineCount <= maxLines) lines[lineCount - 1] += ','
      }
      add(`    ${text}`)
      isFirst = false
    }
  }
  if (!isFirst) pieces.push(new Blob(['\n']))
  add('  ]\n}')
  return { lines, lineCount, pieces }
}
