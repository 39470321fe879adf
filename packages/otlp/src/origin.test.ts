import { expect, test } from 'vitest'
import { encodeTraces } from './encode.ts'
import type { KeyValue, Span } from './model.ts'
import { readOrigin } from './origin.ts'

const LIMITS = { resources: 10, scopes: 10, items: 100 }
const text = (key: string, value: string): KeyValue => ({ key, value: { type: 'string', value } })
const span = (dropped: Partial<Span>): Span => ({
  traceId: '1'.repeat(32),
  spanId: '2'.repeat(16),
  traceState: '',
  parentSpanId: '',
  flags: 0,
  name: 'a',
  kind: 1,
  startTimeUnixNano: 1n,
  endTimeUnixNano: 2n,
  attributes: [text('k', 'v')],
  droppedAttributesCount: 0,
  events: [],
  droppedEventsCount: 0,
  links: [],
  droppedLinksCount: 0,
  status: { message: '', code: 0 },
  ...dropped,
})
const scope = (name: string, spans: readonly Span[]) => ({
  scope: { name, version: '', attributes: [], droppedAttributesCount: 0 },
  spans,
  schemaUrl: '',
})
const request = encodeTraces({
  resourceSpans: [
    {
      resource: { attributes: [text('service.name', 'shop')], droppedAttributesCount: 0 },
      schemaUrl: '',
      scopeSpans: [
        scope('http', [span({ droppedAttributesCount: 3, droppedEventsCount: 5, droppedLinksCount: 7 }), span({})]),
        scope('http', [span({ droppedAttributesCount: 300 })]),
        scope('pg', []),
      ],
    },
    {
      resource: { attributes: [text('service.name', 'cart')], droppedAttributesCount: 0 },
      schemaUrl: '',
      scopeSpans: [scope('', [span({ droppedLinksCount: 1 })])],
    },
  ],
})

test('resources, the names of scopes, and what the spans say they have dropped', () => {
  const origin = readOrigin('traces', request, LIMITS)
  expect(origin.resources.map(({ attributes }) => attributes)).toEqual([
    [text('service.name', 'shop')],
    [text('service.name', 'cart')],
  ])
  expect([...origin.scopes]).toEqual(['http', 'pg', ''])
  expect(origin).toMatchObject({ items: 4, droppedAttributes: 303, droppedEvents: 5, droppedLinks: 8 })
})

test('the first and the last start', () => {
  const at = (startTimeUnixNano: bigint) => span({ startTimeUnixNano })
  const spans = scope('http', [at(7n), at(5n), at(9n)])
  const resource = { attributes: [], droppedAttributesCount: 0 }
  const bytes = encodeTraces({ resourceSpans: [{ resource, schemaUrl: '', scopeSpans: [spans] }] })
  expect(readOrigin('traces', bytes, LIMITS)).toMatchObject({ firstStart: 5n, lastStart: 9n })
  expect(readOrigin('traces', new Uint8Array(), LIMITS)).toMatchObject({ firstStart: 0n, lastStart: 0n })
})

test('no more than the limits', () => {
  expect(readOrigin('traces', request, { ...LIMITS, resources: 1 }).resources.length).toBe(1)
  expect([...readOrigin('traces', request, { ...LIMITS, scopes: 1 }).scopes]).toEqual(['http'])
  expect(readOrigin('traces', request, { ...LIMITS, items: 1 })).toMatchObject({ items: 1, droppedAttributes: 3 })
})
