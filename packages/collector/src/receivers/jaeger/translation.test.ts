import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeTraces, requestToJson } from '@spoor/otlp'
import { describe, expect, it } from 'vitest'
import type { Translate } from '../../receiver-helper/index.ts'
import { inOrder } from '../../testkit/in-order.ts'
import { binaryBatch, binaryCall, compactCall, oldBinaryCall, protoRequest, type Batch } from './encode.test.helper.ts'
import { translateRequest } from './from-proto.ts'
import { translateBatch, translateBinaryCall, translateCompactCall } from './from-thrift.ts'

interface GoldenCase {
  readonly name: string
  readonly batch: Batch
  /** What the jaeger receiver of otelcol-contrib makes of it, in each form; the version is in the first case. */
  readonly proto?: object
  readonly thrift?: object
}

const FORMS: Readonly<Record<string, readonly [of: 'proto' | 'thrift', (batch: Batch) => Buffer, Translate]>> = {
  protobuf: ['proto', protoRequest, translateRequest],
  'the binary form': ['thrift', binaryBatch, translateBatch],
  'a call in the binary form': ['thrift', binaryCall, translateBinaryCall],
  'a call in the binary form without version': ['thrift', oldBinaryCall, translateBinaryCall],
  'a call in the compact form': ['thrift', compactCall, translateCompactCall],
}

const { cases } = JSON.parse(readFileSync(join(import.meta.dirname, 'golden.json'), 'utf8')) as {
  readonly cases: readonly GoldenCase[]
}

/** What comes out, and what was left out. */
function translated(translate: Translate, body: Uint8Array): { output: unknown; problems: string[] } {
  const problems: string[] = []
  const resourceSpans = [...translate(body, (problem) => problems.push(problem))].flatMap((data) => data.resourceSpans)
  return { output: requestToJson('traces', encodeTraces({ resourceSpans })), problems }
}

describe.each(Object.entries(FORMS))(
  'Jaeger in %s, as the OpenTelemetry Collector reads it',
  (_, [of, encode, translate]) => {
    it.each(cases.filter((golden) => golden[of] !== undefined))('$name', (golden) => {
      const { output, problems } = translated(translate, encode(golden.batch))
      expect(problems).toEqual([])
      expect(inOrder(output)).toEqual(inOrder(golden[of]))
    })
  },
)

const SPAN = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', name: 'get' }
const SHOP = { serviceName: 'shop' }

describe.each(Object.entries(FORMS))('Jaeger in %s', (_, [of, encode, translate]) => {
  it('leaves out spans whose ids are zero, and says which', () => {
    const { traceId, spanId } = SPAN
    const spans = [SPAN, { traceId, name: 'no "id"' }, { spanId, name: 'no trace' }]
    const { output, problems } = translated(translate, encode({ process: SHOP, spans }))
    expect(problems).toEqual(['span "no \\"id\\"": its id is zero', 'span "no trace": its trace id is zero'])
    expect(JSON.stringify(output).match(/"spanId"/g)).toHaveLength(1)
  })

  it('translates many spans in parts', () => {
    const spans = Array.from({ length: 600 }, (__, index) => ({
      ...SPAN,
      spanId: (index + 1).toString(16).padStart(16, '0'),
    }))
    const parts = [...translate(encode({ process: SHOP, spans }), () => {})]
    expect(parts.map(({ resourceSpans }) => resourceSpans[0]!.scopeSpans[0]!.spans.length)).toEqual([256, 256, 88])
  })

  it('that is cut or garbled is read or refused, and nothing else', () => {
    const whole = encode(cases.find(({ name }) => name === 'tags of every type')!.batch)
    for (let at = 0; at < whole.length; at++) {
      for (const bytes of [
        whole.subarray(0, at),
        ...[0, 0x7f, 0xff].map((byte) => Buffer.from(whole).fill(byte, at, at + 1)),
      ]) {
        try {
          translated(translate, bytes)
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_data' })
        }
      }
    }
    // Protobuf may end behind any field.
    if (of === 'thrift') expect(() => translated(translate, whole.subarray(0, -1))).toThrow('it ends in the middle')
  })
})

it('reads ids of other lengths than Jaeger has as those of no span', () => {
  const { problems } = translated(
    translateRequest,
    protoRequest({
      spans: [
        { ...SPAN, traceId: '01020304' },
        { ...SPAN, spanId: '01020304' },
        { ...SPAN, references: [{ traceId: '0102', spanId: SPAN.spanId }] },
      ],
    }),
  )
  expect(problems).toEqual([
    'span "get": its trace id is not of 8 or 16 bytes',
    'span "get": its id is not of 8 bytes',
    'span "get": an id of a reference is not of 8 or 16 bytes',
  ])
})

it.each([
  [
    'another method',
    () => translated(translateCompactCall, compactCall({ spans: [] }, 'emitZipkinBatch')),
    'it calls "emitZipkinBatch"',
  ],
  ['another version', () => translated(translateCompactCall, Buffer.of(0x82, 0x82)), 'a call of the unknown version 2'],
  [
    'another protocol',
    () => translated(translateCompactCall, binaryCall({ spans: [] })),
    'a call of the unknown protocol 80',
  ],
  [
    'another version',
    () => translated(translateBinaryCall, compactCall({ spans: [] })),
    'a call of the unknown version 8281',
  ],
])('refuses a call of %s', (_, read, message) => {
  expect(read).toThrow(message)
})
