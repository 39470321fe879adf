import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Signal } from './batch.ts'
import { countItems } from './count.ts'
import { decodeSpan, decodeTraces } from './decode.ts'
import { encodeTraces } from './encode.ts'
import { MAX_DEPTH } from './error.ts'
import { logsFromJson, metricsFromJson, tracesFromJson } from './from-json.ts'
import type { Span } from './model.ts'
import { arbitraryMessage, oracleDecode, oracleEncode } from './oracle.test.helper.ts'
import { createRandom, scramble } from './scramble.test.helper.ts'
import { requestToJson, tracesDataToJson, tracesToJson } from './to-json.ts'
import { oracleTraces, traces } from './traces.test.helper.ts'

const SIGNALS = [
  { signal: 'traces', type: 'TracesData', fromJson: tracesFromJson },
  { signal: 'logs', type: 'LogsData', fromJson: logsFromJson },
  { signal: 'metrics', type: 'MetricsData', fromJson: metricsFromJson },
] as const satisfies readonly { signal: Signal; type: string; fromJson: (text: string) => Uint8Array }[]

describe.each(SIGNALS)('OTLP/JSON of $signal', ({ signal, type, fromJson }) => {
  it('keeps every field, there and back', () => {
    fc.assert(
      fc.property(arbitraryMessage(type), (message) => {
        const bytes = oracleEncode(type, message)
        const json = JSON.stringify(requestToJson(signal, bytes))
        expect(requestToJson(signal, fromJson(json))).toEqual(JSON.parse(json))
        expect(normal(oracleDecode(type, fromJson(json)))).toEqual(normal(oracleDecode(type, bytes)))
      }),
    )
  })

  it('reads snake_case keys as well', () => {
    fc.assert(
      fc.property(arbitraryMessage(type), (message) => {
        const json = requestToJson(signal, oracleEncode(type, message))
        expect(fromJson(JSON.stringify(snakeCase(json)))).toEqual(fromJson(JSON.stringify(json)))
      }),
      { numRuns: 30 },
    )
  })

  it('reads a text of megabytes as one of bytes', () => {
    fc.assert(
      fc.property(arbitraryMessage(type), fc.boolean(), (message, isIndented) => {
        const [[name, list] = ['', []]] = Object.entries(requestToJson(signal, oracleEncode(type, message)))
        fc.pre(Array.isArray(list) && list.length > 0)
        const times = Math.ceil(300_000 / JSON.stringify(list).length)
        const many: unknown[] = Array.from({ length: times }, () => list as unknown[]).flat()
        // A message that is large itself is in there, too.
        const large = { x: { [name]: many }, [name]: [...many, mergeAll(many.slice(0, 5_000)), ...(list as unknown[])] }
        const text = JSON.stringify(large, undefined, isIndented ? 2 : undefined)
        expect(Buffer.compare(fromJson(Buffer.from(text)), fromJson(text))).toBe(0)
      }),
      { numRuns: 5 },
    )
  })

  it('writes the same whatever the order and pieces of the bytes are', () => {
    fc.assert(
      fc.property(arbitraryMessage(type), fc.integer(), (message, seed) => {
        const bytes = oracleEncode(type, message)
        const mixed = scramble(type, bytes, createRandom(seed))
        expect(requestToJson(signal, mixed)).toEqual(requestToJson(signal, bytes))
        expect(countItems(signal, mixed)).toBe(countItems(signal, bytes))
      }),
    )
  })
})

/** One object with all that the objects have in their lists. */
function mergeAll(objects: readonly unknown[]): unknown {
  const merged: Record<string, unknown> = {}
  for (const [name, value] of objects.flatMap((object) => Object.entries(object as object))) {
    if (Array.isArray(value)) ((merged[name] ??= []) as unknown[]).push(...(value as unknown[]))
    else merged[name] = value
  }
  return merged
}

/** Without what proto3 does not tell apart from an absent field. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal)
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([name, item]) => !isDefault(name, item))
  return Object.fromEntries(entries.map(([name, item]) => [name, normal(item)]))
}

/** Fields of a oneof and optional ones have no default. */
const WITH_PRESENCE = /^(string|bool|int|double|bytes|array|kvlist)Value$|^(as(Int|Double)|sum|min|max)$/

function isDefault(name: string, value: unknown): boolean {
  if (WITH_PRESENCE.test(name) && value !== undefined) return false
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length === 0
  return value === 0 || value === '0' || value === '' || value === false
}

function snakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCase)
  if (typeof value !== 'object' || value === null) return value
  const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [snake(name), snakeCase(item)]))
}

describe('tracesToJson', () => {
  it('keeps every field of the model', () => {
    fc.assert(
      fc.property(traces, (data) => {
        expect(decodeTraces(tracesFromJson(tracesToJson(oracleTraces(data))))).toEqual(data)
        expect(JSON.stringify(tracesDataToJson(data))).toBe(tracesToJson(encodeTraces(data)))
      }),
    )
  })

  it('is OTLP/JSON as the specification has it', () => {
    const span: Span = {
      ...decodeSpan(new Uint8Array(0)),
      traceId: '5b8efff798038103d269b633813fc60c',
      spanId: 'eee19b7ec3c1b174',
      name: "I'm a server span",
      kind: 2,
      startTimeUnixNano: 1544712660000000000n,
      attributes: [
        { key: 'int', value: { type: 'int', value: -(2n ** 63n) } },
        { key: 'nan', value: { type: 'double', value: Number.NaN } },
        { key: 'bytes', value: { type: 'bytes', value: Uint8Array.from([251, 255]) } },
        { key: 'empty', value: { type: 'empty' } },
        { key: 'list', value: { type: 'array', value: [{ type: 'bool', value: false }] } },
      ],
      status: { code: 2, message: '' },
    }
    const scope = { name: 'my.library', version: '', attributes: [], droppedAttributesCount: 0 }
    const resource = { attributes: [], droppedAttributesCount: 0 }
    const scopeSpans = [{ scope, spans: [span], schemaUrl: '' }]
    expect(tracesDataToJson({ resourceSpans: [{ resource, scopeSpans, schemaUrl: '' }] })).toEqual({
      resourceSpans: [
        {
          resource: {},
          scopeSpans: [
            {
              scope: { name: 'my.library' },
              spans: [
                {
                  traceId: '5b8efff798038103d269b633813fc60c',
                  spanId: 'eee19b7ec3c1b174',
                  name: "I'm a server span",
                  kind: 2,
                  startTimeUnixNano: '1544712660000000000',
                  attributes: [
                    { key: 'int', value: { intValue: '-9223372036854775808' } },
                    { key: 'nan', value: { doubleValue: 'NaN' } },
                    { key: 'bytes', value: { bytesValue: '+/8=' } },
                    { key: 'empty', value: {} },
                    { key: 'list', value: { arrayValue: { values: [{ boolValue: false }] } } },
                  ],
                  status: { code: 2 },
                },
              ],
            },
          ],
        },
      ],
    })
  })
})

/** The span of a request that has this JSON as its only span. */
function spanOf(json: string): Span {
  const bytes = tracesFromJson(`{"resourceSpans":[{"scopeSpans":[{"spans":[${json}]}]}]}`)
  return decodeTraces(bytes).resourceSpans[0]!.scopeSpans[0]!.spans[0]!
}

function valueOf(json: string): unknown {
  const { value } = spanOf(`{"attributes":[{"key":"k","value":${json}}]}`).attributes[0]!
  return 'value' in value ? value.value : value
}

describe('tracesFromJson', () => {
  it('reads ids of either case, and empty ones', () => {
    expect(spanOf('{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"","parentSpanId":null}')).toMatchObject({
      traceId: '5b8efff798038103d269b633813fc60c',
      spanId: '',
      parentSpanId: '',
    })
  })

  it('leaves long integers alone in strings, keys, fractions and what is no JSON', () => {
    const keyOf = (text: string): string => `{"resourceSpans":[{"resource":{"attributes":[{"key":${text}}]}}]}`
    for (const text of ['1234567890123456789', 'x"[1234567890123456789]"\\', '\\\\"', ':1234567890123456789,']) {
      const json = keyOf(`${JSON.stringify(text)},"value":{"intValue":1234567890123456789}`)
      const [attribute] = decodeTraces(tracesFromJson(json)).resourceSpans[0]!.resource.attributes
      expect(attribute).toEqual({ key: text, value: { type: 'int', value: 1234567890123456789n } })
    }
    for (const number of [
      '1234567890123456789.5',
      '0.1234567890123456789',
      '1234567890123456789e2',
      '1e1234567890123456789',
    ]) {
      const json = `{"resourceSpans":[{"resource":{"attributes":[{"value":{"doubleValue":${number}}}],"x":[1234567890123456789]}}]}`
      const [attribute] = decodeTraces(tracesFromJson(json)).resourceSpans[0]!.resource.attributes
      expect(attribute!.value).toEqual({ type: 'double', value: Number(number) })
    }
    for (const json of [
      '[0123456789012345678]',
      '{1234567890123456789:1}',
      '["1234567890123456789',
      '[1234567890123456789',
      '[-]:1234567890123456789',
    ]) {
      expect(() => tracesFromJson(json)).toThrow('not JSON')
    }
  })

  it('reads 64-bit integers from text and from numbers, exactly', () => {
    expect(spanOf('{"startTimeUnixNano":"1700000000000000001","endTimeUnixNano":1700000000000000003}')).toMatchObject({
      startTimeUnixNano: 1700000000000000001n,
      endTimeUnixNano: 1700000000000000003n,
    })
    expect(valueOf('{"intValue":-9007199254740993}')).toBe(-9007199254740993n)
    expect(valueOf('{"intValue":12}')).toBe(12n)
    expect(valueOf('{"intValue":1e3}')).toBe(1000n)
  })

  it('reads doubles from numbers and text', () => {
    expect(valueOf('{"doubleValue":1}')).toBe(1)
    expect(valueOf('{"doubleValue":12345678901234567890}')).toBe(Number('12345678901234567890'))
    expect(valueOf('{"doubleValue":"-2.5e-3"}')).toBe(-0.0025)
    expect(valueOf('{"doubleValue":"-Infinity"}')).toBe(-Infinity)
    expect(valueOf('{"doubleValue":"NaN"}')).toBeNaN()
  })

  it('reads bytes from base64 and base64url, padded or not', () => {
    for (const text of ['+/8=', '-_8', '-_8=', '+/8']) {
      expect(valueOf(`{"bytesValue":"${text}"}`)).toEqual(Uint8Array.from([251, 255]))
    }
  })

  it('reads enums from numbers and names', () => {
    expect(spanOf('{"kind":"SPAN_KIND_CLIENT","status":{"code":"STATUS_CODE_ERROR"}}')).toMatchObject({
      kind: 3,
      status: { code: 2 },
    })
    expect(spanOf('{"kind":5}').kind).toBe(5)
  })

  it('keeps the type of zero values, ignores null and unknown fields', () => {
    expect(valueOf('{"boolValue":false}')).toBe(false)
    expect(valueOf('{"stringValue":""}')).toBe('')
    expect(valueOf('{"stringValue":null}')).toEqual({ type: 'empty' })
    expect(valueOf('null')).toEqual({ type: 'empty' })
    expect(spanOf('{"name":"n","deprecated":[{"x":1}],"__proto__":{"kind":3}}')).toMatchObject({ name: 'n', kind: 0 })
  })

  it('reads UTF-8 bytes', () => {
    const bytes = new TextEncoder().encode('{"resourceSpans":[{"schemaUrl":"é"}]}')
    expect(decodeTraces(tracesFromJson(bytes)).resourceSpans[0]!.schemaUrl).toBe('é')
  })

  it.each([
    ['{"traceId":"5b8e"}', 'id_length', 'traceId'],
    ['{"traceId":"zz8efff798038103d269b633813fc60c"}', 'json', 'traceId'],
    ['{"span_id":7}', 'json', 'span_id'],
    ['{"name":1}', 'json', 'name'],
    ['{"kind":"SERVER"}', 'json', 'kind'],
    ['{"kind":1.5}', 'json', 'kind'],
    ['{"flags":-1}', 'json', 'flags'],
    ['{"flags":4294967296}', 'json', 'flags'],
    ['{"startTimeUnixNano":"-1"}', 'json', 'startTimeUnixNano'],
    ['{"startTimeUnixNano":18446744073709551616}', 'json', 'startTimeUnixNano'],
    ['{"startTimeUnixNano":"1e9"}', 'json', 'startTimeUnixNano'],
    ['{"attributes":{}}', 'json', 'attributes'],
    ['{"attributes":[null]}', 'json', 'attributes[0]'],
    ['{"attributes":[{"key":"a"},{"key":"b","value":{"boolValue":"yes"}}]}', 'json', 'attributes[1].value.boolValue'],
    ['{"attributes":[{"value":{"bytesValue":"*"}}]}', 'json', 'attributes[0].value.bytesValue'],
    ['{"attributes":[{"value":{"doubleValue":"one"}}]}', 'json', 'attributes[0].value.doubleValue'],
    ['{"status":[]}', 'json', 'status'],
  ])('refuses %s and says where', (json, code, path) => {
    expect(() => spanOf(json)).toThrow(
      expect.objectContaining({ code, path: `resourceSpans[0].scopeSpans[0].spans[0].${path}` }),
    )
  })

  it('says where in a text of megabytes something is wrong, and that it is no JSON', () => {
    const spans = Array.from({ length: 20_000 }, (_, index) => `{"name":"${index}","kind":1}`)
    const textOf = (list: readonly string[], end = ''): Uint8Array =>
      Buffer.from(`{"resourceSpans":[{"scopeSpans":[{"spans":[${list.join(',')}]}]}]${end}}`)
    const bad = (at: number, span: string): Uint8Array => textOf(spans.with(at, span))
    expect(() => tracesFromJson(bad(15_000, '{"kind":"SERVER"}'))).toThrow(
      expect.objectContaining({ code: 'json', path: 'resourceSpans[0].scopeSpans[0].spans[15000].kind' }),
    )
    expect(() => tracesFromJson(bad(10, `[${spans.join(',')}]`))).toThrow(
      'resourceSpans[0].scopeSpans[0].spans[10]: expected an object, got an array',
    )
    for (const wrong of [
      bad(3, '{"kind":1,}'),
      bad(19_999, '{"kind":tru}'),
      textOf(spans, `,"x":[${spans.join(',')},]`),
    ]) {
      expect(() => tracesFromJson(wrong)).toThrow(expect.objectContaining({ code: 'json' }))
      expect(() => tracesFromJson(wrong)).toThrow('not JSON: ')
    }
  })

  it.each(['', '{', '[]', 'null', '7', '"x"', '{"resourceSpans":{}}', '{"resourceSpans":[1]}', '[['.repeat(100_000)])(
    'refuses a text that is no request',
    (json) => {
      expect(() => tracesFromJson(json)).toThrow(expect.objectContaining({ name: 'OtlpError', code: 'json' }))
    },
  )

  it('refuses values nested too deep', () => {
    const nested = (levels: number) =>
      '{"arrayValue":{"values":['.repeat(levels - 1) + '{"intValue":1}' + ']}}'.repeat(levels - 1)
    expect(() => valueOf(nested(MAX_DEPTH))).not.toThrow()
    expect(() => valueOf(nested(MAX_DEPTH + 1))).toThrow(expect.objectContaining({ code: 'too_deep' }))
    const longNumber = `{"x":1234567890123456789,"attributes":[{"value":${nested(20_000)}}]}`
    expect(() => spanOf(longNumber)).toThrow(expect.objectContaining({ name: 'OtlpError' }))
  })
})
