import { decodeTraces, encodeTraces, joinBytes } from '@spoor/otlp'
import { describe, expect, it } from 'vitest'
import {
  buildTrace,
  problems,
  resourceStartOf,
  rowOfSpanId,
  SpanFlag,
  spanIdOf,
  spanOf,
  transferables,
  type Trace,
} from './index.ts'
import { EPOCH, requestOf, spanId, type SpanSpec, TRACE_ID } from './testkit.ts'

const build = (...specs: SpanSpec[]) => buildTrace(requestOf(specs))
const ids = (trace: Trace) => Array.from({ length: trace.size }, (_, row) => Number.parseInt(spanIdOf(trace, row), 16))
const flagsOf = (trace: Trace, id: number) => trace.flags[rowOfSpanId(trace, spanId(id))]

describe('the tree', () => {
  it('has rows depth first, children by start', () => {
    const trace = build(
      { id: 5, parent: 3, start: 40, end: 50 },
      { id: 3, parent: 1, start: 30, end: 60 },
      { id: 2, parent: 1, start: 10, end: 20 },
      { id: 4, parent: 3, start: 35, end: 36 },
      { id: 1, start: 0, end: 100 },
    )
    expect(ids(trace)).toEqual([1, 2, 3, 4, 5])
    expect([...trace.parent]).toEqual([-1, 0, 0, 2, 2])
    expect([...trace.depth]).toEqual([0, 1, 1, 2, 2])
    expect([...trace.subtreeEnd]).toEqual([5, 2, 5, 4, 5])
    expect([...trace.childCount]).toEqual([2, 0, 2, 0, 0])
    expect(trace).toMatchObject({ traceId: TRACE_ID, start: EPOCH, durationNs: 100 })
  })

  it('keeps all roots and orphans', () => {
    const trace = build({ id: 1, start: 5 }, { id: 2, start: 3 }, { id: 3, parent: 99, start: 4 })
    expect(ids(trace)).toEqual([2, 3, 1])
    expect([...trace.parent]).toEqual([-1, -1, -1])
    expect(flagsOf(trace, 3)).toBe(SpanFlag.orphan)
  })

  it('cuts a cycle at its earliest span', () => {
    const trace = build({ id: 1, parent: 3, start: 2 }, { id: 2, parent: 1, start: 1 }, { id: 3, parent: 2, start: 3 })
    expect(ids(trace)).toEqual([2, 3, 1])
    expect(flagsOf(trace, 2)! & SpanFlag.cycle).toBe(SpanFlag.cycle)
    expect([...trace.parent]).toEqual([-1, 0, 1])
  })

  it('makes a span that is its own parent a root', () => {
    const trace = build({ id: 1, parent: 1 }, { id: 2, parent: 1, start: 1 })
    expect([...trace.parent]).toEqual([-1, 0])
    expect(flagsOf(trace, 1)).toBe(SpanFlag.cycle)
  })

  it('survives a chain deeper than its depth column', () => {
    const specs = Array.from({ length: 70_000 }, (_, i): SpanSpec =>
      i === 0 ? { id: 1 } : { id: i + 1, parent: i, start: i },
    )
    const trace = build(...specs)
    expect(trace.size).toBe(70_000)
    expect(trace.depth[69_999]).toBe(65_535)
    expect(trace.subtreeEnd[0]).toBe(70_000)
  })

  it('is empty for no bytes and for another trace', () => {
    expect(buildTrace(new Uint8Array()).size).toBe(0)
    expect(buildTrace(requestOf([{ id: 1 }]), 'f'.repeat(32)).size).toBe(0)
  })
})

describe('duplicates', () => {
  it('drops an exact duplicate', () => {
    const bytes = requestOf([{ id: 1 }, { id: 2, parent: 1 }])
    const trace = buildTrace(joinBytes([bytes, bytes, bytes]))
    expect(ids(trace)).toEqual([1, 2])
    expect([...trace.flags]).toEqual([SpanFlag.again, SpanFlag.again])
  })

  it('shows one of those that differ in what is not their header, the same one however they come, and says so', () => {
    const status = (message: string) => ({ code: 0, message })
    const variants: SpanSpec[] = [
      { id: 1, status: status('a') },
      { id: 1, status: status('bb') },
    ]
    const shown = [variants, variants.toReversed()].map((specs) => {
      const trace = build(...specs, { id: 2, parent: 1 })
      expect(ids(trace)).toEqual([1, 2])
      expect([...trace.flags]).toEqual([SpanFlag.variants | SpanFlag.again, 0])
      return spanOf(trace, 0).span.status.message
    })
    expect(shown[0]).toBe(shown[1])
    expect(problems(build(...variants)).map(({ code }) => code)).toContain('variants')
  })

  it('keeps spans of one id that differ', () => {
    const trace = build({ id: 1, name: 'a', end: 9 }, { id: 1, name: 'b', end: 8 })
    expect(trace.size).toBe(2)
    expect([...trace.flags]).toEqual([SpanFlag.duplicateId, SpanFlag.duplicateId])
  })

  it('puts a shared server span under its client span, and the children under the span of their own service', () => {
    const trace = build(
      { id: 1, service: 'web', start: 0, end: 100 },
      { id: 2, parent: 1, service: 'web', kind: 3, start: 10, end: 90 },
      { id: 2, parent: 1, service: 'api', kind: 2, start: 20, end: 80 },
      { id: 3, parent: 2, service: 'api', start: 30, end: 40 },
      { id: 4, parent: 2, service: 'web', start: 11, end: 12 },
    )
    const services = Array.from(trace.service, (index) => trace.services[index])
    expect(services).toEqual(['web', 'web', 'web', 'api', 'api'])
    expect([...trace.parent]).toEqual([-1, 0, 1, 1, 3])
  })
})

describe('times', () => {
  it('flags a negative duration, shown with no length', () => {
    const trace = build({ id: 1, start: 10, end: 5 })
    expect([trace.durationsNs[0], trace.durationNs, trace.flags[0]]).toEqual([0, 0, SpanFlag.negativeDuration])
  })

  it('flags work that runs on after its parent, and a start before the parent’s', () => {
    const trace = build(
      { id: 1, start: 10, end: 20 },
      { id: 2, parent: 1, start: 15, end: 30 },
      { id: 3, parent: 1, start: 5, end: 12 },
    )
    expect(flagsOf(trace, 2)).toBe(SpanFlag.async)
    expect(flagsOf(trace, 3)).toBe(SpanFlag.startsBeforeParent)
    expect(trace.startNs[0]).toBe(5)
  })

  it('counts as self time what no child covers, overlaps once and overhangs not', () => {
    const trace = build(
      { id: 1, start: 100, end: 200 },
      { id: 2, parent: 1, start: 90, end: 110 },
      { id: 3, parent: 1, start: 120, end: 150 },
      { id: 4, parent: 1, start: 130, end: 140 },
      { id: 5, parent: 1, start: 145, end: 160 },
      { id: 6, parent: 1, start: 190, end: 300 },
    )
    expect(trace.selfNs[rowOfSpanId(trace, spanId(1))]).toBe(100 - 10 - 40 - 10)
  })
})

describe('details', () => {
  it('marks those above an error', () => {
    const trace = build(
      { id: 1 },
      { id: 2, parent: 1 },
      { id: 3, parent: 2, status: { code: 2, message: 'no' } },
      { id: 4, parent: 1 },
    )
    expect([1, 2, 3, 4].map((id) => flagsOf(trace, id))).toEqual([SpanFlag.errorBelow, SpanFlag.errorBelow, 0, 0])
  })

  it('finds the links that stay in the trace', () => {
    const link = (traceId: string, id: number) => ({
      traceId,
      spanId: spanId(id),
      traceState: '',
      attributes: [],
      droppedAttributesCount: 0,
      flags: 0,
    })
    const trace = build(
      { id: 1 },
      { id: 2, parent: 1, start: 1, links: [link('e'.repeat(32), 1), link(TRACE_ID, 1), link(TRACE_ID, 77)] },
    )
    expect([...trace.innerLinks]).toEqual([1, 0])
    expect(trace.linkCount[1]).toBe(3)
  })

  it('gives a row’s span, resource and scope as they were sent', () => {
    const trace = build({ id: 1, service: 'cart', name: 'GET /', traceState: 'a=b' })
    const { span, resource, scope } = spanOf(trace, 0)
    expect(span).toMatchObject({ name: 'GET /', traceState: 'a=b', spanId: spanId(1) })
    expect(resource.attributes[0]).toEqual({ key: 'service.name', value: { type: 'string', value: 'cart' } })
    expect(scope.name).toBe('test')
    expect(() => spanOf(trace, 1)).toThrow('row 1 is not in the trace')
  })

  it('keeps where scopes and resources are once for all rows that were sent under them', () => {
    const [cart, stock, more] = decodeTraces(
      requestOf([
        { id: 1, service: 'cart' },
        { id: 2, parent: 1, start: 1, service: 'stock', scope: 'http' },
        { id: 3, parent: 1, start: 2, service: 'other', scope: 'sql' },
      ]),
    ).resourceSpans
    const [http, sql] = [stock!.scopeSpans[0]!, more!.scopeSpans[0]!]
    const late = { ...http.spans[0]!, spanId: spanId(4), startTimeUnixNano: EPOCH + 3n, endTimeUnixNano: EPOCH + 3n }
    const scopeSpans = [{ ...http, spans: [...http.spans, late] }, sql]
    const trace = buildTrace(encodeTraces({ resourceSpans: [cart!, { ...stock!, scopeSpans }] }))
    expect([trace.scopes.length, ...trace.scope]).toEqual([12, 0, 1, 2, 1])
    const told = ids(trace).map((_, row) => {
      const { resource, scope } = spanOf(trace, row)
      return [resource.attributes[0]!.value, scope.name]
    })
    const named = (value: string) => ({ type: 'string', value })
    expect(told).toEqual([
      [named('cart'), 'test'],
      [named('stock'), 'http'],
      [named('stock'), 'sql'],
      [named('stock'), 'http'],
    ])
    expect([0, 1, 2, 3].map((row) => resourceStartOf(trace, row) === resourceStartOf(trace, 1))).toEqual([
      false,
      true,
      true,
      true,
    ])
  })

  it('calls a service without a name unknown_service', () => {
    expect(build({ id: 1, service: '' }).services).toEqual(['unknown_service'])
  })

  it('moves to another thread without its bytes when they are a view of a larger buffer', () => {
    const bytes = requestOf([{ id: 1 }])
    const larger = new Uint8Array(bytes.length + 8)
    larger.set(bytes, 8)
    const trace = buildTrace(larger.subarray(8))
    const moved = structuredClone(trace, { transfer: transferables(trace) })
    expect(larger.length).toBe(bytes.length + 8)
    expect(spanOf(moved, 0).span.name).toBe('span 1')
    expect(trace.startNs.length).toBe(0)
  })
})
