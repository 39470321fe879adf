import { bytesToHex, createSpanColumns, decodeTraces, editRequest, scanSpans } from '@spoor/otlp'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { tracesRequest } from '../../testkit/index.ts'
import { eachTrace } from './by-trace.ts'
import { bytesOf } from './trace-id.ts'

interface Told {
  readonly id: string
  readonly spans: readonly string[]
  readonly hasRoot: boolean
}

/** The traces of a request, by objects. */
function reference(bytes: Uint8Array): Told[] {
  const all = decodeTraces(bytes).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
  return [...Map.groupBy(all, ({ traceId }) => traceId)].map(([id, spans]) => ({
    id,
    spans: spans.map(({ spanId }) => spanId),
    hasRoot: spans.some(({ parentSpanId }) => parentSpanId === ''),
  }))
}

/** The request with a span in three that has no parent. */
function withRoots(bytes: Uint8Array, seed: number): Uint8Array {
  let row = seed
  return editRequest('traces', bytes, { item: (span) => (span.parentSpanId = row++ % 3 === 0 ? '' : 'a'.repeat(16)) })
}

function spanIds(bytes: Uint8Array): string[] {
  const columns = createSpanColumns()
  scanSpans(bytes, columns)
  return Array.from({ length: columns.count }, (_, row) => bytesToHex(columns.spanId.subarray(8 * row, 8 * row + 8)))
}

test('each chunk has its own traces, whatever chunks came before it, and what was told of them stays', () => {
  const request = fc.record({
    spans: fc.integer({ min: 1, max: 60 }),
    traces: fc.integer({ min: 1, max: 20 }),
    services: fc.integer({ min: 1, max: 3 }),
    seed: fc.nat(),
  })
  fc.assert(
    fc.property(fc.array(request, { minLength: 1, maxLength: 6 }), fc.boolean(), (requests, isByScope) => {
      const kept = requests.map((options) => {
        const bytes = withRoots(tracesRequest(options), options.seed)
        const traces: { words: Uint32Array; at: number; bytes: Uint8Array; hasRoot: boolean; spans: number }[] = []
        eachTrace({ bytes, items: options.spans }, (trace) => {
          const { words, at, spans, hasRoot } = trace
          traces.push({ words, at, spans, hasRoot, bytes: trace.extract(isByScope) })
        })
        return { bytes, traces }
      })
      for (const { bytes, traces } of kept) {
        const told = traces.map(({ words, at, hasRoot, bytes: own }): Told => {
          return { id: bytesToHex(bytesOf(words, at)), spans: spanIds(own), hasRoot }
        })
        expect(told).toEqual(reference(bytes))
        expect(traces.map(({ spans }) => spans)).toEqual(told.map(({ spans }) => spans.length))
      }
    }),
    { numRuns: 60 },
  )
})
