import { splitSpans, tracesToJson } from '@spoor/otlp'

/** Spans that are text at a time: that of a million does not fit into one. */
const spansAtOnce = 5000

const [open, close] = ['{"resourceSpans":[', ']}'] as const

/** The elements of `resourceSpans` in OTLP/JSON, some at a time with commas in between. `bytes`: a serialized `TracesData`. `atOnce`: spans to a text. */
export function* resourceSpansJson(bytes: Uint8Array, atOnce = spansAtOnce): Generator<string> {
  for (const part of splitSpans(bytes, atOnce)) {
    const items = tracesToJson(part).slice(open.length, -close.length)
    if (items !== '') yield items
  }
}

/** Pieces of the whole text, in one line. */
export function* otlpJson(bytes: Uint8Array): Generator<string> {
  let separator: string = open
  for (const items of resourceSpansJson(bytes)) {
    yield separator + items
    separator = ','
  }
  yield separator === open ? open + close : close
}
