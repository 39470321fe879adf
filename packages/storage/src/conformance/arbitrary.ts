import * as fc from 'fast-check'
import type { Field, Filter, Target } from '../contract.ts'
import { attributes, hexId, MS, sent, T0, traceId } from './spans.ts'

/** Few keys and few values, so that filters hit; values that look like one another. */
const KEYS = ['a', 'b', 'service.name', 'ключ']
const SCALARS = [
  'x',
  'xy',
  '',
  '1',
  '200',
  'true',
  '1.5',
  '-0',
  '0',
  'AQI=',
  'NaN',
  '1e+21',
  '[1]',
  '\ufeffx',
  1,
  200,
  1.5,
  -0,
  2 ** 53,
  200n,
  1n,
  -1n,
  2n ** 62n,
  true,
  false,
]

const arbitraryValue = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...SCALARS) },
  fc.constant({ type: 'bytes', value: Uint8Array.of(1, 2) } as const),
  fc.constant({ type: 'empty' } as const),
  fc.constant({ type: 'double', value: Number.NaN } as const),
  fc.constant({ type: 'array', value: [{ type: 'int', value: 1n }] } as const),
  fc.constant({ type: 'map', value: attributes({ k: 1.5 }) } as const),
)
export const arbitraryAttributes = fc
  .array(fc.tuple(fc.constantFrom(...KEYS), arbitraryValue), { maxLength: 3 })
  .map((pairs) => pairs.flatMap(([key, value]) => attributes({ [key]: value })))

/** A span of one of 61 traces; nothing ties it to another. */
export const arbitrarySpan = fc
  .record({
    trace: fc.nat(60),
    id: fc.nat(1000),
    service: fc.constantFrom('x', 'y', 'true'),
    name: fc.constantFrom('x', 'GET /', '200', ''),
    kind: fc.nat(5),
    at: fc.nat(50),
    ms: fc.constantFrom(0, 1, 1.5, 200),
    status: fc.nat(2),
    attributes: arbitraryAttributes,
    resource: arbitraryAttributes,
    scopeName: fc.constantFrom('', 'lib', 'x'),
    scopeAttributes: arbitraryAttributes,
    events: arbitraryAttributes,
    links: arbitraryAttributes,
    message: fc.constantFrom('', 'x'),
  })
  .map(({ scopeName, scopeAttributes, events, links, message, ...spec }) =>
    sent({
      ...spec,
      scope: { name: scopeName, version: spec.name, attributes: scopeAttributes },
      span: {
        traceState: message,
        status: { code: spec.status, message },
        events: [{ timeUnixNano: T0, name: 'e', attributes: events, droppedAttributesCount: 0 }],
        links: [
          {
            traceId: traceId(1),
            spanId: '0000000000000001',
            traceState: '',
            attributes: links,
            droppedAttributesCount: 0,
            flags: 0,
          },
        ],
      },
    }),
  )

/** Ids as somebody pastes them. */
const TRACE = traceId(3)
const SPAN = hexId(5, 16).toUpperCase()

const FIELDS: Field[] = [
  'service',
  'name',
  'kind',
  'status',
  'statusMessage',
  'duration',
  'start',
  'traceState',
  'scopeName',
  'scopeVersion',
  'traceId',
  'spanId',
  'parentId',
  'eventName',
  'linkTraceId',
  'linkSpanId',
]
export const arbitraryTarget: fc.Arbitrary<Target> = fc.oneof(
  fc.record({ field: fc.constantFrom(...FIELDS) }),
  fc.record({ attribute: fc.constantFrom(...KEYS) }),
  fc.record({
    attribute: fc.constantFrom(...KEYS),
    level: fc.constantFrom('any', 'span', 'resource', 'scope', 'event', 'link'),
  }),
)
const arbitraryOperand = fc.constantFrom(
  ...SCALARS,
  'server',
  'error',
  'GET /',
  '{"k":1.5}',
  1e6,
  1_500_000,
  T0 + 20n * MS,
  'absent',
  'e',
  TRACE,
  SPAN.toLowerCase(),
)
const filters = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3 },
    fc.record({
      op: fc.constantFrom('eq', 'ne', 'lt', 'lte', 'gt', 'gte'),
      target: arbitraryTarget,
      value: arbitraryOperand,
    }),
    fc.record({
      op: fc.constant('regex' as const),
      target: arbitraryTarget,
      value: fc.constantFrom('x', '^2', 'e$', '^$', '[a-z]+'),
    }),
    fc.record({
      op: fc.constant('in' as const),
      target: arbitraryTarget,
      values: fc.array(arbitraryOperand, { maxLength: 3 }),
    }),
    fc.record({ op: fc.constant('exists' as const), target: arbitraryTarget }),
    fc.record({
      op: fc.constant('word' as const),
      value: fc.constantFrom('x', 'get', '200', 'AQI=', '[1]', TRACE, SPAN),
    }),
    fc.record({ op: fc.constantFrom('and', 'or'), args: fc.array(tie('filter'), { maxLength: 3 }) }),
    fc.record({ op: fc.constant('not' as const), arg: tie('filter') }),
  ),
}))

export const arbitraryFilter = filters.filter
