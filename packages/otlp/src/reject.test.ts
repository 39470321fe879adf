import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countSpans, inspectItems } from './count.ts'
import { decodeTraces } from './decode.ts'
import { encodeTraces } from './encode.ts'
import { tracesFromJson } from './from-json.ts'
import type { Span, SpanLink, TracesData } from './model.ts'
import { oracleEncode } from './oracle.test.helper.ts'
import { rejectInvalidSpans } from './reject.ts'
import { createRandom, scramble } from './scramble.test.helper.ts'
import { oracleTraces, traces } from './traces.test.helper.ts'

type EditSpan = (span: Span, index: number) => Span | undefined

/** The data with each span edited; what then has no span of those that it had is left out. */
function edited(data: TracesData, edit: EditSpan): TracesData {
  let index = 0
  return {
    resourceSpans: data.resourceSpans.flatMap((resourceSpans) => {
      const scopeSpans = resourceSpans.scopeSpans.flatMap((scope) => {
        const spans = scope.spans.flatMap((span) => edit(span, index++) ?? [])
        return spans.length === 0 && scope.spans.length > 0 ? [] : [{ ...scope, spans }]
      })
      return scopeSpans.length === 0 && resourceSpans.scopeSpans.length > 0 ? [] : [{ ...resourceSpans, scopeSpans }]
    }),
  }
}

const VALID = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: '00f067aa0ba902b7' }
const LINK: SpanLink = { traceId: '', spanId: '', traceState: '', attributes: [], droppedAttributesCount: 0, flags: 0 }
const WRONG_LINKS: readonly SpanLink[] = [
  { ...LINK, traceId: '00' },
  { ...LINK, spanId: '0af765' },
]
const isValid = ({ traceId, spanId, parentSpanId, links }: Span): boolean =>
  traceId !== '' && spanId !== '' && parentSpanId.length !== 4 && !links.some((link) => WRONG_LINKS.includes(link))
const withValidIds: EditSpan = (span) => ({ ...span, ...VALID })

describe('rejectInvalidSpans', () => {
  it('takes out the spans without valid ids, and no others, wherever fields are', () => {
    fc.assert(
      fc.property(
        traces,
        fc.array(fc.nat(31), { minLength: 40, maxLength: 40 }),
        fc.integer(),
        (data, choice, seed) => {
          const mixed = edited(data, (span, index) => {
            const chosen = choice[index % choice.length]!
            return {
              ...span,
              traceId: chosen & 1 ? '' : VALID.traceId,
              spanId: chosen & 2 ? '' : VALID.spanId,
              ...((chosen & 12) === 12 && { parentSpanId: '00ff' }),
              ...((chosen & 24) === 24 && { links: [...span.links, WRONG_LINKS[index % 2]!] }),
            }
          })
          const bytes = scramble('TracesData', oracleTraces(mixed), createRandom(seed))
          const result = rejectInvalidSpans(bytes)
          const spans = (of: TracesData): Span[] =>
            of.resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans))
          expect(inspectItems('traces', bytes)).toEqual({ items: spans(mixed).length, invalidSpans: result.rejected })
          expect(decodeTraces(result.bytes)).toEqual(edited(mixed, (span) => (isValid(span) ? span : undefined)))
          expect(result.rejected).toBe(spans(mixed).filter((span) => !isValid(span)).length)
          expect(inspectItems('traces', result.bytes)?.invalidSpans).toBe(0)
          expect(result.first === '').toBe(result.rejected === 0)
        },
      ),
    )
  })

  it('gives back the very bytes where nothing is wrong', () => {
    fc.assert(
      fc.property(traces, (data) => {
        const bytes = encodeTraces(edited(data, withValidIds))
        expect(rejectInvalidSpans(bytes).bytes).toBe(bytes)
        expect(inspectItems('traces', bytes)?.invalidSpans).toBe(0)
      }),
    )
  })

  const trace = Buffer.from(VALID.traceId, 'hex')
  const id = Buffer.from(VALID.spanId, 'hex')
  const zeroes = (length: number): Uint8Array => new Uint8Array(length)

  it.each([
    ['nothing', {}, 'trace_id is absent'],
    ['no span id', { traceId: trace }, 'span_id is absent'],
    ['a zero trace id', { traceId: zeroes(16), spanId: id }, 'trace_id is all zero'],
    ['a zero span id', { traceId: trace, spanId: zeroes(8) }, 'span_id is all zero'],
    ['a short trace id', { traceId: trace.subarray(1), spanId: id }, 'trace_id has 15 bytes, must be 16'],
    ['a long span id', { traceId: trace, spanId: zeroes(9) }, 'span_id has 9 bytes, must be 8'],
    [
      'a short parent',
      { traceId: trace, spanId: id, parentSpanId: id.subarray(1) },
      'parent_span_id has 7 bytes, must be 8',
    ],
    [
      'a link to a short trace id',
      { traceId: trace, spanId: id, links: [{}, { traceId: id, spanId: id }] },
      'links[1].trace_id has 8 bytes, must be 16',
    ],
    [
      'a link to a long span id',
      { traceId: trace, spanId: id, links: [{ traceId: trace, spanId: trace }] },
      'links[0].span_id has 16 bytes, must be 8',
    ],
  ])('says what is wrong: %s', (_, ids, problem) => {
    const request = oracleEncode('TracesData', {
      resourceSpans: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
          scopeSpans: [
            { spans: [{ traceId: trace, spanId: id, name: 'fine' }] },
            { spans: [{ traceId: trace, spanId: id, name: 'fine' }, { ...ids, name: 'GET /' }, {}] },
          ],
        },
      ],
    })
    expect(inspectItems('traces', request)).toEqual({ items: 4, invalidSpans: 2 })
    const { bytes, rejected, first } = rejectInvalidSpans(request)
    expect([countSpans(bytes), rejected]).toEqual([2, 2])
    expect(first).toBe(`resourceSpans[0].scopeSpans[1].spans[1] ("GET /" of service "shop"): ${problem}`)
  })

  it('knows ids with a single bit, and takes the last of two', () => {
    const span = (...fields: number[][]): Uint8Array => {
      const inner = fields.flatMap(([tag, ...content]) => [tag!, content.length, ...content])
      return Uint8Array.from([0x0a, inner.length + 4, 0x12, inner.length + 2, 0x12, inner.length, ...inner])
    }
    const bit = (width: number): number[] => Array.from({ length: width }, (_, index) => (index === width - 1 ? 1 : 0))
    const zero = (width: number): number[] => Array.from({ length: width }, () => 0)
    const valid = span([0x0a, ...bit(16)], [0x12, ...bit(8)])
    expect(inspectItems('traces', valid)).toEqual({ items: 1, invalidSpans: 0 })
    expect(rejectInvalidSpans(valid).rejected).toBe(0)
    for (const last of [zero(16), [], [1, 2]]) {
      const bytes = span([0x0a, ...bit(16)], [0x12, ...bit(8)], [0x0a, ...last])
      expect(inspectItems('traces', bytes)).toEqual({ items: 1, invalidSpans: 1 })
      expect(rejectInvalidSpans(bytes)).toMatchObject({ rejected: 1, bytes: new Uint8Array(0) })
    }
  })

  it('does not count what is no span: links, log records, a parent', () => {
    const request = oracleEncode('TracesData', {
      resourceSpans: [
        { scopeSpans: [{ spans: [{ traceId: trace, spanId: id, links: [{}], parentSpanId: zeroes(8) }] }] },
      ],
    })
    expect(inspectItems('traces', request)).toEqual({ items: 1, invalidSpans: 0 })
    expect(rejectInvalidSpans(request).rejected).toBe(0)
    const logs = oracleEncode('LogsData', { resourceLogs: [{ scopeLogs: [{ logRecords: [{}] }] }] })
    expect(inspectItems('logs', logs)).toEqual({ items: 1, invalidSpans: 0 })
  })
})

describe('inspectItems', () => {
  it('stops when there is too much to look at', () => {
    const many = (...field: number[]): Uint8Array => Uint8Array.from(Array.from({ length: 1000 }, () => field).flat())
    for (const bytes of [many(0x0a, 0), many(0xf8, 1, 0), many(0x78, 0)]) {
      expect(inspectItems('traces', bytes, 999)).toBeUndefined()
      expect(inspectItems('traces', bytes, 1001)).toEqual({ items: 0, invalidSpans: 0 })
    }
  })
})

describe('JSON', () => {
  const json = (...spans: object[]): string => JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] })

  it.each([
    ['of a wrong length', { ...VALID, traceId: '0af7' }, 'traceId: expected 32 hex digits, got "0af7"'],
    ['that is base64', { ...VALID, spanId: 'APBnqgupArc=' }, 'spanId: expected 16 hex digits, got "APBnqgupArc="'],
    ['that is a number', { ...VALID, span_id: 5, spanId: undefined }, 'span_id: expected 16 hex digits, got 5'],
    ['of a parent', { ...VALID, parentSpanId: '00' }, 'parentSpanId: expected 16 hex digits, got "00"'],
    ['of a link', { ...VALID, links: [{ traceId: '00' }] }, 'links[0].traceId: expected 32 hex digits, got "00"'],
    [
      'of the span of a link',
      { ...VALID, links: [{}, { span_id: 'x' }] },
      'links[1].span_id: expected 16 hex digits, got "x"',
    ],
  ])('an id %s is told, and its span is invalid', (_, span, message) => {
    const text = json({ ...VALID, name: 'fine' }, span)
    expect(() => tracesFromJson(text)).toThrow(message)
    const problems: string[] = []
    const bytes = tracesFromJson(text, (problem) => void problems.push(problem.message))
    expect(problems).toEqual([`resourceSpans[0].scopeSpans[0].spans[1].${message}`])
    expect(inspectItems('traces', bytes)).toEqual({ items: 2, invalidSpans: 1 })
  })
})
