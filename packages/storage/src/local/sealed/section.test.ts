import { createSpanColumns, decodeTraces, scanSpans } from '@spoor/otlp'
import { describe, expect, it } from 'vitest'
import { attributes, requestOf, sent, traceId, type SentSpan } from '../../conformance/spans.ts'
import { traceWords } from '../read/trace-parts.ts'
import { encodeSection } from './encode.ts'
import { Section } from './section.ts'
import { freeSource } from './source.ts'

const spans: SentSpan[] = Array.from({ length: 1500 }, (_, i) =>
  sent({
    trace: (i * 7) % 90,
    id: i + 1,
    ...(i % 5 > 0 && { parent: i }),
    service: `s${i % 4}`,
    at: (i * 37) % 5000,
    name: `op ${i % 11}`,
    scope: { name: i % 8 < 4 ? 'one' : 'other' },
    status: i % 3,
    attributes: attributes({ nth: BigInt(i), 'user.id': `user-${i % 40}`, ok: i % 2 === 0, score: i / 7 }),
  }),
)

function open(requests: readonly Uint8Array[]): Section {
  const { parts, meta } = encodeSection({ requests })
  const bytes = Buffer.concat(parts)
  expect(bytes.length).toBe(meta.length)
  return new Section(JSON.parse(JSON.stringify(meta)), (offset, length) => bytes.subarray(offset, offset + length))
}

function spansIn(bytes: Uint8Array): SentSpan[] {
  return decodeTraces(bytes).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) => spans.map((span) => ({ resource, scope, span }))),
  )
}

const all = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, i) => i)

describe('a section', () => {
  const requests = [0, 500, 1000].map((i) => requestOf(spans.slice(i, i + 500)))
  const section = open(requests)

  it('gives back each span, under its own resource and scope', () => {
    const rows = section.rows()
    expect(rows.count).toBe(spans.length)
    const got = spansIn(section.spanBytes(rows, all(rows.count)))
    const key = ({ span }: SentSpan): string => span.spanId
    expect(got.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))).toEqual(spans)
  })

  it('has the columns that a scan of its spans has', () => {
    const rows = section.rows()
    const columns = createSpanColumns()
    for (let row = 0; row < rows.count; row++) scanSpans(section.spanBytes(rows, Uint32Array.of(row)), columns)
    expect(rows.spanId).toEqual(new Uint32Array(columns.spanId.buffer, 0, 2 * rows.count))
    expect([...rows.durationNs]).toEqual([...columns.durationNs.subarray(0, rows.count)])
    expect([...rows.startLo.subarray(0, rows.count)]).toEqual([...columns.startLo.subarray(0, rows.count)])
  })

  it('gives back what several spans are under but once', () => {
    const { resourceSpans } = decodeTraces(section.spanBytes(section.rows(), all(spans.length)))
    expect(resourceSpans).toHaveLength(4)
    expect(resourceSpans.map(({ scopeSpans }) => scopeSpans.length)).toEqual([2, 2, 2, 2])
    const rows = section.rows()
    const first = spansIn(section.spanBytes(rows, Uint32Array.of(0)))
    expect(spansIn(section.spanBytes(rows, all(spans.length)))[0]).toEqual(first[0])
  })

  it('knows its keys, and how often they are there, by its head', () => {
    const { parts, meta } = encodeSection({ requests })
    const bytes = Buffer.concat(parts)
    const reads: number[] = []
    const counted = new Section(meta, (offset, length) => {
      reads.push(offset)
      return bytes.subarray(offset, offset + length)
    })
    const each = ['nth', 'user.id', 'ok', 'score'].map((key) => [key, spans.length])
    expect(Object.fromEntries(counted.keyCounts()!)).toEqual({ ...Object.fromEntries(each), 'service.name': 4 })
    expect(Object.fromEntries(counted.keyCounts('span')!)).toEqual(Object.fromEntries(each))
    expect(Object.fromEntries(counted.keyCounts('resource')!)).toEqual({ 'service.name': 4 })
    expect(reads).toEqual([meta.head.offset])
  })

  it('gives the rows of one trace by start', () => {
    const rows = section.traceRows(traceWords(traceId(17)))!
    const own = spans.filter(({ span }) => span.traceId === traceId(17))
    own.sort((a, b) => Number(a.span.startTimeUnixNano - b.span.startTimeUnixNano))
    const got = Array.from(all(rows.count), (row) => spansIn(section.spanBytes(rows, Uint32Array.of(row)))[0])
    expect(got).toEqual(own)
    expect(section.traceRows(traceWords(traceId(1000)))).toBeUndefined()
  })

  it('leaves out spans that are not taken', () => {
    const { parts, meta } = encodeSection({ requests, take: (row) => row % 3 === 0 })
    const bytes = Buffer.concat(parts)
    const part = new Section(meta, (offset, length) => bytes.subarray(offset, offset + length))
    const got = spansIn(part.spanBytes(part.rows(), all(500))).map(({ span }) => span.spanId)
    expect(got.toSorted()).toEqual(spans.filter((_, i) => i % 3 === 0).map(({ span }) => span.spanId))
  })

  it('has the memory of requests that are made for it but once', () => {
    const made: Uint8Array[] = []
    function* copies(): Generator<Uint8Array> {
      for (const request of requests) {
        expect(made.filter(({ length }) => length > 0)).toEqual([])
        made.push(Uint8Array.from(request))
        yield made.at(-1)!
      }
    }
    const length = requests.reduce((sum, request) => sum + request.length, 0)
    const { source, ...own } = encodeSection({ requests: copies(), length })
    expect(made).toHaveLength(requests.length)
    const { source: _, ...same } = encodeSection({ requests })
    expect(own).toEqual(same)
    freeSource(source)
    expect([source.bytes.length, source.columns.traceId.length]).toEqual([0, 0])
    expect(() => encodeSection({ requests: copies(), length: length + 1 })).toThrow(
      `${length} bytes of requests where ${length + 1} should be`,
    )
  })
})
