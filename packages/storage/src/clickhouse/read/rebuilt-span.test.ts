import { decodeTraces } from '@spoor/otlp'
import { expect, it } from 'vitest'
import { attributes, hexId, sent, T0, traceId } from '../../conformance/spans.ts'
import { Assembly } from './assembly.ts'
import { rebuiltSpan } from './rebuilt-span.ts'

it('makes a span of what its columns tell', () => {
  const json = JSON.stringify([
    traceId(1),
    hexId(2, 16),
    hexId(1, 16),
    'v=1',
    'GET /',
    'Server',
    String(T0),
    '5000000',
    'Error',
    'no',
    { 'service.name': 'shop', host: 'größer' },
    'lib',
    '2',
    { a: '1', b: '' },
    [String(T0 + 5n)],
    ['e'],
    [{ k: 'v' }],
    [traceId(9)],
    [hexId(3, 16)],
    ['l=1'],
    [{ w: 'y' }],
  ])
  const span = sent({
    trace: 1,
    id: 2,
    parent: 1,
    service: 'shop',
    name: 'GET /',
    kind: 2,
    ms: 5,
    resource: attributes({ host: 'größer' }),
    attributes: attributes({ a: '1', b: '' }),
    scope: { name: 'lib', version: '2' },
    span: {
      traceState: 'v=1',
      flags: 0,
      status: { code: 2, message: 'no' },
      events: [{ timeUnixNano: T0 + 5n, name: 'e', attributes: attributes({ k: 'v' }), droppedAttributesCount: 0 }],
      links: [
        {
          traceId: traceId(9),
          spanId: hexId(3, 16),
          traceState: 'l=1',
          attributes: attributes({ w: 'y' }),
          droppedAttributesCount: 0,
          flags: 0,
        },
      ],
    },
  })
  const assembly = new Assembly()
  for (let i = 0; i < 2; i++) assembly.add(rebuiltSpan(json))
  const [{ resource, scopeSpans }] = decodeTraces(assembly.take()).resourceSpans as [
    ReturnType<typeof decodeTraces>['resourceSpans'][number],
  ]
  const [{ scope, spans }] = scopeSpans as [(typeof scopeSpans)[number]]
  expect({ resource, scope, span: spans[1] }).toEqual(span)
  expect(spans).toHaveLength(2)
})
