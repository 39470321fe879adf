import { countSpans, createSpanColumns, scanSpans } from '@spoor/otlp'
import { createCorpus } from 'spoor/loadgen'
import type { Section } from '../context.ts'
import { compareCpu } from '../measure.ts'
import { decodeRequest } from '../rival/proto.ts'

/** What it costs to know what is in a request. */
export const scan: Section = {
  name: 'scan',
  title: 'Scan (rival: protobufjs decode)',
  async run(context) {
    context.progress('scan and count')
    const corpus = createCorpus(context.size.requests)
    const columns = createSpanColumns(512)
    const decodeAll = () => corpus.requests.map((request) => decodeRequest(request.bytes).resourceSpans.length)
    const scanned = compareCpu(
      context,
      corpus.spans,
      () => {
        for (const { bytes } of corpus.requests) {
          columns.count = 0
          scanSpans(bytes, columns)
        }
      },
      decodeAll,
    )
    let attributes = 0
    const visitor = { attribute: () => void attributes++ }
    const visited = compareCpu(
      context,
      corpus.spans,
      () => {
        for (const { bytes } of corpus.requests) {
          columns.count = 0
          scanSpans(bytes, columns, visitor)
        }
      },
      decodeAll,
    )
    const counted = compareCpu(
      context,
      corpus.spans,
      () => corpus.requests.reduce((spans, { bytes }) => spans + countSpans(bytes), 0),
      decodeAll,
    )
    const bytes = corpus.requests.reduce((sum, request) => sum + request.bytes.length, 0) / corpus.spans
    return [
      { name: 'header columns', ...scanned, note: `${bytes.toFixed(0)} bytes a span` },
      { name: 'header columns, visiting every attribute', ...visited },
      { name: 'count and validate', ...counted },
    ]
  },
}
