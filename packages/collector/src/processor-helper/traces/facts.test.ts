import { createBatch, encodeTraces, type Span } from '@spoor/otlp'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { latency, statusCode } from '../../processors/tail-sampling/span-policies.ts'
import type { Trace } from '../../processors/tail-sampling/policy.ts'
import { eachTrace } from './by-trace.ts'
import { Facts } from './facts.ts'

interface Plain {
  readonly start: bigint
  readonly end: bigint
  readonly code: number
}

const DAY = 86_400_000_000_000n
const NOW = 1_700_000_000_000_000_000n
const MS = 1_000_000n

const spanOf = ({ start, end, code }: Plain, index: number): Span => ({
  traceId: 'a'.repeat(32),
  spanId: (index + 1).toString(16).padStart(16, '0'),
  traceState: '',
  parentSpanId: '',
  flags: 0,
  name: 'a',
  kind: 1,
  startTimeUnixNano: start,
  endTimeUnixNano: end,
  attributes: [],
  droppedAttributesCount: 0,
  events: [],
  droppedEventsCount: 0,
  links: [],
  droppedLinksCount: 0,
  status: { code, message: '' },
})

const requestOf = (spans: readonly Plain[]): Uint8Array =>
  encodeTraces({
    resourceSpans: [
      {
        resource: { attributes: [], droppedAttributesCount: 0 },
        scopeSpans: [
          {
            scope: { name: '', version: '', attributes: [], droppedAttributesCount: 0 },
            spans: spans.map(spanOf),
            schemaUrl: '',
          },
        ],
        schemaUrl: '',
      },
    ],
  })

const usualTime = fc.bigInt({ min: NOW, max: NOW + 3_000n * MS })
const usual: fc.Arbitrary<Plain> = fc.record({ start: usualTime, end: usualTime, code: fc.nat(2) })
const anyTime = fc.oneof(
  usualTime,
  fc.constantFrom(0n, 1n, NOW - 60n * DAY, NOW + 60n * DAY, 2n ** 64n - 1n, 2n ** 40n),
)
const anySpan: fc.Arbitrary<Plain> = fc.record({ start: anyTime, end: anyTime, code: fc.constantFrom(0, 1, 2, 3, -1) })

/** What is known of a trace whose spans come in these requests. */
function factsOf(requests: readonly Uint8Array[]): Facts {
  const facts = new Facts(1)
  for (const bytes of requests) {
    const [chunk] = createBatch('traces', [{ bytes, items: 0 }]).chunks
    eachTrace(chunk!, ({ facts: own, factsRow }) => facts.addAll(0, own, factsRow))
  }
  return facts
}

test('of spans as they usually are all is known', () => {
  fc.assert(
    fc.property(fc.array(fc.array(usual, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }), (parts) => {
      const facts = factsOf(parts.map(requestOf))
      const spans = parts.flat()
      expect(facts.isKnown(0)).toBe(true)
      expect(facts.statuses[0]).toBe(spans.reduce((bits, { code }) => bits | (1 << code), 0))
      const [starts, ends] = [spans.map(({ start }) => start), spans.map(({ end }) => end)]
      const first = starts.reduce((a, b) => (a < b ? a : b))
      const last = ends.reduce((a, b) => (a > b ? a : b))
      expect(facts.last[0]! - facts.first[0]!).toBe(Number(last - first))
    }),
  )
})

test('policies decide by what is known as they do by the spans, whatever times and codes these have', () => {
  const policies = [
    ...[0, 1, 999, 1000, 2999].map((threshold_ms) => latency({ threshold_ms, upper_threshold_ms: 0 })),
    latency({ threshold_ms: 100, upper_threshold_ms: 1500 }),
    ...[['ERROR'], ['OK', 'UNSET'], ['UNSET']].map((status_codes) => statusCode({ status_codes })),
  ]
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.oneof(usual, anySpan), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
      (parts) => {
        const requests = parts.map(requestOf)
        const chunks = requests.map((bytes, i) => ({ bytes, items: parts[i]!.length }))
        const facts = factsOf(requests)
        const plain: Trace = { id: new Uint8Array(16), spans: 1, bytes: 1, chunks }
        const known = facts.isKnown(0)
          ? { ...plain, statuses: facts.statuses[0], durationNs: facts.last[0]! - facts.first[0]! }
          : plain
        for (const policy of policies) expect(policy.decide(known)).toBe(policy.decide(plain))
      },
    ),
    { numRuns: 500 },
  )
})

test('times that are too far from each other to be told apart are not known', () => {
  const [now, later] = [NOW, NOW + 60n * DAY]
  const isKnown = (...spans: Plain[]): boolean => factsOf([requestOf(spans)]).isKnown(0)
  expect(isKnown({ start: now, end: later, code: 0 })).toBe(false)
  expect(isKnown({ start: now, end: now, code: 0 }, { start: later, end: later, code: 0 })).toBe(false)
  expect(isKnown({ start: now, end: now + 30n * DAY, code: 0 })).toBe(true)
})

test('where a bound is between two times that differ by a nanosecond', () => {
  const policy = latency({ threshold_ms: 1000, upper_threshold_ms: 0 })
  const decided = (ns: bigint): string => {
    const facts = factsOf([requestOf([{ start: NOW, end: NOW + ns, code: 0 }])])
    const trace = { id: new Uint8Array(16), spans: 1, bytes: 1, statuses: 1 }
    return policy.decide({ ...trace, chunks: [], durationNs: facts.last[0]! - facts.first[0]! })
  }
  expect([decided(1001n * MS - 1n), decided(1001n * MS)]).toEqual(['not_sampled', 'sampled'])
})

test('spans are not read for what is known of them', () => {
  const trace: Trace = {
    id: new Uint8Array(16),
    spans: 1,
    bytes: 1,
    statuses: 1 << 2,
    durationNs: 5e9,
    get chunks(): never {
      throw new Error('read')
    },
  }
  expect(latency({ threshold_ms: 1000, upper_threshold_ms: 0 }).decide(trace)).toBe('sampled')
  expect(statusCode({ status_codes: ['ERROR'] }).decide(trace)).toBe('sampled')
  expect(() => latency({ threshold_ms: 1000, upper_threshold_ms: 9000 }).decide(trace)).toThrow('read')
})
