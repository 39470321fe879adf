import { decodeTraces, type Span, type TracesData } from '@spoor/otlp'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { tracesRequest } from '../testkit/index.ts'
import { edited } from './evaluate.test.helper.ts'

type Edit = (span: Span) => Span
const string = (value: string) => ({ type: 'string', value }) as const
const setAttribute =
  (key: string, value: string): Edit =>
  (span) => {
    const at = span.attributes.findIndex((each) => each.key === key)
    const attribute = { key, value: string(value) }
    return { ...span, attributes: at < 0 ? [...span.attributes, attribute] : span.attributes.with(at, attribute) }
  }

/** Statements, and the same on a decoded span. */
const EDITS: readonly (readonly [statement: string, edit: Edit])[] = [
  ['set(attributes["environment"], "production")', setAttribute('environment', 'production')],
  ['set(attributes["http.route"], "/x")', setAttribute('http.route', '/x')],
  [
    'set(name, Concat([name, "é"], "-")) where kind == SPAN_KIND_SERVER',
    (span) => (span.kind === 2 ? { ...span, name: `${span.name}-é` } : span),
  ],
  ['set(status.code, STATUS_CODE_ERROR)', (span) => ({ ...span, status: { ...span.status, code: 2 } })],
  ['set(trace_state, "a=1")', (span) => ({ ...span, traceState: 'a=1' })],
  ['set(kind, SPAN_KIND_UNSPECIFIED)', (span) => ({ ...span, kind: 0 })],
  [
    'set(end_time_unix_nano, start_time_unix_nano + 1)',
    (span) => ({ ...span, endTimeUnixNano: span.startTimeUnixNano + 1n }),
  ],
  [
    'keep_matching_keys(attributes, "^http")',
    (span) => ({ ...span, attributes: span.attributes.filter(({ key }) => key.startsWith('http')) }),
  ],
  [
    'truncate_all(attributes, 4)',
    (span) => ({
      ...span,
      attributes: span.attributes.map(({ key, value }) => ({
        key,
        value: value.type === 'string' ? string(value.value.slice(0, 4)) : value,
      })),
    }),
  ],
  ['set(attributes, {})', (span) => ({ ...span, attributes: [] })],
]
const NOTHING = [
  'set(name, name)',
  'set(attributes["a"], nil)',
  'delete_key(attributes, "none")',
  'set(name, "x") where false',
]

function changed(data: TracesData, edits: readonly Edit[]): TracesData {
  return {
    resourceSpans: data.resourceSpans.map((resource) => ({
      ...resource,
      scopeSpans: resource.scopeSpans.map((scope) => ({
        ...scope,
        spans: scope.spans.map((span) => edits.reduce((each, edit) => edit(each), span)),
      })),
    })),
  }
}

it('is decoding, editing and encoding, and leaves the bytes where nothing is changed', () => {
  const request = fc
    .record({ spans: fc.integer({ min: 1, max: 12 }), seed: fc.nat(), attributes: fc.nat(12), rich: fc.boolean() })
    .map((spec) => tracesRequest({ ...spec, services: 3 }))
  const edits = fc.array(fc.constantFrom(...EDITS), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(request, edits, (bytes, chosen) => {
      expect(edited(NOTHING, 'span', bytes)).toBe(bytes)
      const after = edited([...NOTHING, ...chosen.map(([statement]) => statement)], 'span', bytes)
      const expected = changed(
        decodeTraces(bytes),
        chosen.map(([, edit]) => edit),
      )
      // The decoder is held to protobufjs by tests of its own.
      expect(decodeTraces(after)).toEqual(expected)
    }),
    { numRuns: 60 },
  )
})
