import { encodeTraces, type Span } from '@spoor/otlp'
import { rowOfSpanId, spanIdOf } from '@spoor/trace'
import { expect, it } from 'vitest'
import { prepareTrace } from './prepare-trace.ts'
import { eventTicks } from './timeline/event-ticks.ts'

const ms = 1_000_000n
const start = 1_760_000_000_000_000_000n
const ids = { web: '1'.repeat(16), call: '2'.repeat(16), stock: '3'.repeat(16) }

function span(spanId: string, parentSpanId: string, kind: number, [from, to]: readonly [bigint, bigint]): Span {
  return {
    traceId: 'a'.repeat(32),
    spanId,
    parentSpanId,
    traceState: '',
    flags: 0,
    name: spanId[0]!,
    kind,
    startTimeUnixNano: start + from * ms,
    endTimeUnixNano: start + to * ms,
    attributes: [],
    droppedAttributesCount: 0,
    events: [{ name: 'tick', timeUnixNano: start + from * ms, attributes: [], droppedAttributesCount: 0 }],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 0, message: '' },
  }
}

const under = (service: string, spans: Span[]) => ({
  resource: {
    attributes: [{ key: 'service.name', value: { type: 'string' as const, value: service } }],
    droppedAttributesCount: 0,
  },
  schemaUrl: '',
  scopeSpans: [{ scope: { name: '', version: '', attributes: [], droppedAttributesCount: 0 }, spans, schemaUrl: '' }],
})

// stock's clock is 500 ms behind: its span comes before all others.
const bytes = encodeTraces({
  resourceSpans: [
    under('web', [span(ids.web, '', 2, [0n, 100n]), span(ids.call, ids.web, 3, [10n, 90n])]),
    under('stock', [span(ids.stock, ids.call, 2, [-480n, -420n])]),
  ],
})

it('leaves times as they were sent, and tells which clocks are apart', () => {
  const { trace, clocksApart, aheadNs } = prepareTrace(bytes, 'a'.repeat(32))
  expect(clocksApart).toEqual([{ service: 'stock', host: '', aheadNs: -500_000_000 }])
  expect(aheadNs).toBeUndefined()
  expect(trace.durationNs).toBe(580_000_000)
})

it('moves spans, their events and what is told of them to the clock of the request', () => {
  const prepared = prepareTrace(bytes, 'a'.repeat(32), true)
  const { trace, aheadNs, problems, verdict } = prepared
  const stock = rowOfSpanId(trace, ids.stock)
  expect([trace.startNs[stock], trace.durationNs]).toEqual([20_000_000, 100_000_000])
  expect([...aheadNs!].map((ahead, row) => [spanIdOf(trace, row)[0], ahead])).toEqual([
    ['1', 0],
    ['2', 0],
    ['3', -500_000_000],
  ])
  expect(verdict.window).toEqual({ fromNs: 0, toNs: 100_000_000 })
  const loaded = { ...prepared, slots: new Uint8Array(2) }
  expect(eventTicks(loaded, stock, { from: 0, to: 100_000_000 }, 1000).map(({ share }) => share)).toEqual([0.2])
  // The clocks are still told of, at the rows of this trace.
  expect(problems).toEqual([
    {
      code: 'clock-skew',
      severity: 'warning',
      text: 'the clock of stock is 500 ms behind that of web',
      rows: [stock],
    },
  ])
})

it('has nothing to move where clocks agree', () => {
  const agreed = encodeTraces({ resourceSpans: [under('web', [span(ids.web, '', 2, [0n, 100n])])] })
  expect(prepareTrace(agreed, 'a'.repeat(32), true)).toMatchObject({ clocksApart: [], aheadNs: undefined })
})
