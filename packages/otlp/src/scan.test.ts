import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSpanColumns } from './columns.ts'
import { countSpans } from './count.ts'
import { decodeKeyValue } from './decode.ts'
import { encodeTraces } from './encode.ts'
import { bytesToHex, idToHex } from './ids.ts'
import { joinBytes } from './join.ts'
import type { KeyValue, TracesData } from './model.ts'
import { columnsFor } from './scan.test.helper.ts'
import { columnsOf, scanSpans } from './scan.ts'
import { createRandom, scramble } from './scramble.test.helper.ts'
import { utf8 } from './text.ts'
import { oracleTraces, requestOf, span, traces } from './traces.test.helper.ts'

const seed = fc.integer()

/** What the columns say of each row, in the model's terms. */
function rowsOf(bytes: Uint8Array, columns = columnsFor(bytes)): object[] {
  return Array.from({ length: columns.count }, (_, row) => ({
    traceId: idToHex(columns.traceId, row * 16, row * 16 + 16),
    spanId: idToHex(columns.spanId, row * 8, row * 8 + 8),
    parentSpanId: idToHex(columns.parentSpanId, row * 8, row * 8 + 8),
    start: (BigInt(columns.startHi[row]!) << 32n) | BigInt(columns.startLo[row]!),
    durationNs: columns.durationNs[row],
    kind: columns.kind[row],
    status: columns.status[row],
    links: columns.linkCount[row],
    events: columns.eventCount[row],
    name: utf8(bytes, columns.nameStart[row]!, columns.nameEnd[row]!),
    service: utf8(bytes, columns.serviceStart[row]!, columns.serviceEnd[row]!),
    traceState: utf8(bytes, columns.traceStateStart[row]!, columns.traceStateEnd[row]!),
  }))
}

function expectedRows(data: TracesData): object[] {
  return data.resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = resource.attributes.find(({ key }) => key === 'service.name')?.value
    return scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId,
        start: span.startTimeUnixNano,
        durationNs: expect.closeTo(Number(span.endTimeUnixNano - span.startTimeUnixNano), -4) as number,
        kind: span.kind >= 0 && span.kind <= 5 ? span.kind : 255,
        status: span.status.code >= 0 && span.status.code <= 2 ? span.status.code : 255,
        links: span.links.length,
        events: span.events.length,
        name: span.name,
        service: service?.type === 'string' ? service.value : '',
        traceState: span.traceState,
      })),
    )
  })
}

describe('scanSpans', () => {
  it('finds the header fields of every span', () => {
    fc.assert(
      fc.property(traces, (data) => {
        expect(rowsOf(oracleTraces(data))).toEqual(expectedRows(data))
      }),
    )
  })

  it('finds them in any order, in pieces, twice, and between unknown fields', () => {
    fc.assert(
      fc.property(traces, seed, (data, seed) => {
        const bytes = scramble('TracesData', oracleTraces(data), createRandom(seed))
        expect(rowsOf(bytes)).toEqual(expectedRows(data))
      }),
    )
  })

  it('gives durations exactly, and negative ones', () => {
    fc.assert(
      fc.property(span, fc.maxSafeInteger(), (base, duration) => {
        const startTimeUnixNano = 2n ** 60n
        const one = { ...base, startTimeUnixNano, endTimeUnixNano: startTimeUnixNano + BigInt(duration) }
        expect(columnsFor(oracleTraces(requestOf([one]))).durationNs[0]).toBe(duration)
      }),
    )
  })

  it('appends to rows that are there, clears what an earlier use left, and grows', () => {
    fc.assert(
      fc.property(traces, traces, (first, second) => {
        const [a, b] = [oracleTraces(first), oracleTraces(second)]
        const columns = createSpanColumns(1)
        for (const array of [columns.traceId, columns.parentSpanId, columns.kind, columns.nameEnd]) array.fill(7)
        scanSpans(a, columns)
        const before = columns.count
        scanSpans(b, columns)
        expect(columns.count).toBe(before + countSpans(b))
        const joined = joinBytes([a, b])
        expect(rowsOf(joined)).toEqual([...expectedRows(first), ...expectedRows(second)])
        expect(rowsOf(a, { ...columns, count: before })).toEqual(expectedRows(first))
      }),
      { numRuns: 50 },
    )
  })

  it('leaves the columns as they were when the bytes are not a request', () => {
    const good = oracleTraces(requestOf([fc.sample(span, 1)[0]!]))
    const columns = createSpanColumns(8)
    scanSpans(good, columns)
    const bad = joinBytes([good, good, Uint8Array.from([0x0a, 0x05, 0x12])])
    expect(() => scanSpans(bad, columns)).toThrow(expect.objectContaining({ code: 'truncated' }))
    expect(columns.count).toBe(1)
  })

  it('stores counts beyond 65535 as 65535', () => {
    const span = new Uint8Array(2 * 70_000)
    for (let i = 0; i < span.length; i += 2) span[i] = 0x6a
    const field = (tag: number, content: Uint8Array) => {
      const { length } = content
      return joinBytes([
        Uint8Array.from([tag, (length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14]),
        content,
      ])
    }
    const bytes = field(0x0a, field(0x12, field(0x12, span)))
    expect(columnsFor(bytes).linkCount[0]).toBe(65535)
  })

  it('shows a visitor every attribute with its row and level', () => {
    fc.assert(
      fc.property(traces, seed, (data, seed) => {
        const bytes = scramble('TracesData', oracleTraces(data), createRandom(seed))
        const seen: { level: number; row: number; attribute: KeyValue }[] = []
        scanSpans(bytes, createSpanColumns(), {
          attribute: (bytes, start, end, row, level) =>
            seen.push({ level, row, attribute: decodeKeyValue(bytes, start, end) }),
        })
        const order = (a: { level: number; row: number }, b: { level: number; row: number }) =>
          a.level - b.level || a.row - b.row
        expect(seen.sort(order)).toEqual(expectedAttributes(data).sort(order))
      }),
    )
  })

  it('takes a link that cannot be read, and shows what came before that', () => {
    const field = (tag: number, content: readonly number[]) => [tag, content.length, ...content]
    const attribute = field(0x22, field(0x0a, [0x6b, 0x65, 0x79]))
    for (const rest of [[0x22, 0x7f], [0x07], [0xff], [0x18, 0xff]]) {
      const span = field(0x12, field(0x6a, [...attribute, ...rest]))
      const seen: number[] = []
      const columns = createSpanColumns()
      scanSpans(Uint8Array.from(field(0x0a, field(0x12, span))), columns, {
        attribute: (_bytes, _start, _end, _row, level) => seen.push(level),
      })
      expect([columns.count, seen]).toEqual([1, [4]])
    }
  })
})

function expectedAttributes(data: TracesData): { level: number; row: number; attribute: KeyValue }[] {
  const at = (level: number, row: number, attributes: readonly KeyValue[]) =>
    attributes.map((attribute) => ({ level, row, attribute }))
  let row = 0
  return data.resourceSpans.flatMap(({ resource, scopeSpans }) => [
    ...at(1, -1, resource.attributes),
    ...scopeSpans.flatMap(({ scope, spans }) => [
      ...at(2, -1, scope.attributes),
      ...spans.flatMap((span) => {
        const events = span.events.flatMap((event) => at(3, row, event.attributes))
        const links = span.links.flatMap((link) => at(4, row, link.attributes))
        return [...at(0, row++, span.attributes), ...events, ...links]
      }),
    ]),
  ])
}

describe('columnsOf', () => {
  it('scans a chunk once', () => {
    const bytes = encodeTraces(requestOf(fc.sample(span, 3)))
    const chunk = { bytes, items: 3 }
    const columns = columnsOf(chunk)
    expect(columns.count).toBe(3)
    expect(columnsOf(chunk)).toBe(columns)
    expect(columnsOf({ bytes, items: 3 })).not.toBe(columns)
  })
})

describe('the smallest requests', () => {
  it('have no spans', () => {
    expect(columnsFor(new Uint8Array(0)).count).toBe(0)
    expect(columnsFor(Uint8Array.from([0x0a, 0])).count).toBe(0)
  })

  it('have spans without any field', () => {
    const bytes = Uint8Array.from([0x0a, 4, 0x12, 2, 0x12, 0])
    const columns = columnsFor(bytes)
    expect(columns.count).toBe(1)
    expect(bytesToHex(columns.traceId, 0, 16)).toBe('0'.repeat(32))
    expect(columns).toMatchObject({ count: 1 })
    expect(columns.spanStart[0]).toBe(6)
    expect(columns.spanEnd[0]).toBe(6)
  })
})
