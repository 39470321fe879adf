import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { errors } from './errors.ts'
import { wrongParts } from './lab.ts'
import type { Lab } from './lab.ts'
import { lostContext } from './lost-context.ts'
import { retryStorm } from './retry-storm.ts'
import { skewedClock } from './skewed-clock.ts'
import { slowModel } from './slow-model.ts'
import type { LabSpan } from './spans.ts'
import { FAULTS, placeOf } from '../world/faults/catalogue.ts'

const LABS = [slowModel, errors, lostContext, retryStorm, skewedClock]
const services = ['preprocessing', 'ensemble', 'inference-a', 'inference-b']

let count = 0
/** A span of `trace`; what is not given is of no interest. */
function span(trace: string, service: string, name: string, more: Partial<LabSpan> & { tags?: object } = {}): LabSpan {
  const { tags = {}, ...rest } = more
  const attributes = new Map(Object.entries(tags).map(([key, value]) => [key, String(value)]))
  const id = `s${count++}`
  return {
    traceId: trace,
    spanId: id,
    parentId: 'elsewhere',
    name,
    service,
    kind: 'internal',
    start: 0,
    end: 0,
    failed: false,
    attributes,
    ...rest,
  }
}
const root = (trace: string, start: number, end: number): LabSpan =>
  span(trace, 'client', 'classify a photograph', { parentId: '', start, end })

/** Expects the answer to be right, and each of its parts to be needed and to be told from a wrong one. */
function expectOnly(
  lab: Lab,
  spans: readonly LabSpan[],
  right: Record<string, string>,
  wrong: Record<string, string>,
): void {
  const check = (given: Record<string, string>): readonly string[] => wrongParts(lab, lab.solve(spans), given)
  expect(check(right)).toEqual([])
  expect(Object.keys(right).sort()).toEqual(Object.keys(lab.answer).sort())
  for (const key of Object.keys(right)) {
    expect(check({ ...right, [key]: wrong[key] ?? '' })).toEqual([`${key} is not right`])
    expect(check(Object.fromEntries(Object.entries(right).filter(([other]) => other !== key)))).toHaveLength(1)
    // Nothing, and what a program makes of nothing, is no answer.
    for (const nothing of ['', 'undefined', 'NaN', '*']) expect(check({ ...right, [key]: nothing })).toHaveLength(1)
  }
  expect(check({ ...right, more: 'x' })).toEqual(['more was not asked for'])
}

describe('the labs', () => {
  it('draw what a world can be broken with, and have a page', () => {
    for (const lab of LABS) {
      for (let round = 0; round < 50; round++) {
        const { fault, at, parameters } = lab.draw(
          services,
          (from, to) => from + Math.floor(Math.random() * (to - from + 1)),
        )
        const kind = FAULTS[fault]
        expect(kind.places).toContain(placeOf(at, false))
        for (const [key, value] of Object.entries(parameters)) {
          expect(value).toBeGreaterThanOrEqual(kind.parameters[key]?.min ?? Infinity)
          expect(value).toBeLessThanOrEqual(kind.parameters[key]?.max ?? 0)
        }
      }
      expect(existsSync(new URL(`../../../../docs/labs/${lab.number}.md`, import.meta.url))).toBe(true)
    }
  })

  it('1: the slowest model by its median, and the longest request', () => {
    const spans = [
      ...[10, 11, 5000].map((ms) => span('t1', 'inference-a', 'run the model', { end: ms })),
      ...[800, 900, 1000].map((ms) => span('t1', 'inference-b', 'run the model', { end: ms })),
      root('t1', 0, 5100),
      root('t2', 100, 5300),
      span('t1', 'client', 'POST', { end: 9999 }),
    ]
    expectOnly(
      slowModel,
      spans,
      { service: 'inference-b', ms: '860', trace: 't2' },
      { service: 'inference-a', ms: '800', trace: 't1' },
    )
  })

  it('2: requests that have failed with nothing failed below them', () => {
    const status = (code: number): object => ({ 'http.response.status_code': code })
    const failing = (trace: string, start: number): LabSpan[] => {
      const deepest = span(trace, 'ensemble', 'POST', { kind: 'server', failed: true, start, tags: status(500) })
      const client = span(trace, 'preprocessing', 'POST', { kind: 'client', failed: true, spanId: deepest.parentId })
      const caller = { kind: 'server', failed: true, start: start - 1, tags: status(500) } as const
      return [
        { ...deepest, parentId: `c${trace}` },
        { ...client, spanId: `c${trace}`, parentId: `p${trace}` },
        span(trace, 'preprocessing', 'POST', { ...caller, spanId: `p${trace}` }),
      ]
    }
    const spans = [
      ...failing('late', 50),
      ...failing('early', 20),
      span('fine', 'ensemble', 'POST', { kind: 'server' }),
    ]
    expectOnly(
      errors,
      spans,
      { service: 'ensemble', failed: '2', trace: 'early' },
      { service: 'preprocessing', failed: '4', trace: 'late' },
    )
  })

  it('3: the trace that a service has begun for the request that came last', () => {
    const begun = (trace: string, request: string, start: number): LabSpan[] => [
      span(trace, 'ensemble', 'POST /ensemble_service', { kind: 'server', parentId: '', start }),
      span(trace, 'ensemble', 'request handler', { start, tags: { 'request.id': request } }),
    ]
    const spans = [
      root('c1', 0, 10),
      ...begun('t1', 'one', 1),
      ...begun('t2', 'two', 2),
      span('t2', 'inference-a', 'POST /inference'),
      span('t3', 'ensemble', 'GET /result/:requestId', {
        kind: 'server',
        parentId: '',
        start: 3,
        tags: { 'request.id': 'one' },
      }),
    ]
    expect(lostContext.ask(spans)).toContain('request.id two')
    expectOnly(
      lostContext,
      spans,
      { service: 'ensemble', trace: 't2', spans: '3' },
      { service: 'preprocessing', trace: 't1', spans: '2' },
    )
  })

  it('4: the first trace with most questions, and those that were given up', () => {
    const asked = (trace: string, number: number, start: number): LabSpan[] =>
      Array.from({ length: number }, (_, index) =>
        span(trace, 'ensemble', 'POST', {
          kind: 'client',
          start: start + index,
          failed: index < number - 2,
          tags: { 'url.full': 'http://127.0.0.1:5012/inference?request_id=x' },
        }),
      )
    const other = span('t1', 'client', 'POST', {
      kind: 'client',
      tags: { 'url.full': 'http://127.0.0.1:5010/preprocessing' },
    })
    expectOnly(
      retryStorm,
      [...asked('t3', 6, 300), ...asked('t1', 4, 1), ...asked('t2', 6, 100), other],
      { service: 'ensemble', trace: 't2', questions: '6', given_up: '4' },
      { service: 'client', trace: 't3', questions: '7', given_up: '6' },
    )
  })

  it('5: the service that is away from all others, whichever way its spans are seen', () => {
    const call = (trace: string, from: LabSpan, to: string, offset: number): LabSpan =>
      span(trace, to, 'POST', {
        kind: 'server',
        parentId: from.spanId,
        start: from.start + 5 + offset,
        end: from.end - 5 + offset,
      })
    const traces = ['t1', 't2'].flatMap((trace, index) => {
      const first = root(trace, index * 100, index * 100 + 90)
      const preprocessing = call(trace, first, 'preprocessing', 0)
      const ensemble = call(trace, preprocessing, 'ensemble', -3000)
      return [first, preprocessing, ensemble, call(trace, ensemble, 'inference-a', 3000)]
    })
    expectOnly(
      skewedClock,
      traces,
      { service: 'ensemble', ms: '-3050', trace: 't1' },
      { service: 'inference-a', ms: '3000', trace: 't2' },
    )
  })
})
