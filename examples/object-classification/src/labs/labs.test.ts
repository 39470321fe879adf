import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { LABS } from './all.ts'
import { badImages } from './bad-images.ts'
import { checkAnswer } from './check.ts'
import { coldStart } from './cold-start.ts'
import { cutLink } from './cut-link.ts'
import { errors } from './errors.ts'
import { is, near } from './lab.ts'
import type { Lab } from './lab.ts'
import { lostContext } from './lost-context.ts'
import { memoryPressure } from './memory-pressure.ts'
import { poisonMessage } from './poison-message.ts'
import { retryStorm } from './retry-storm.ts'
import { saturatedQueue } from './saturated-queue.ts'
import { serviceDown } from './service-down.ts'
import { skewedClock } from './skewed-clock.ts'
import { slowConsumer } from './slow-consumer.ts'
import { slowLink } from './slow-link.ts'
import { slowModel } from './slow-model.ts'
import { areResultsWaiting } from './spans.ts'
import type { LabSpan } from './spans.ts'
import { wrongName } from './wrong-name.ts'
import { FAULTS, placeOf } from '../world/faults/catalogue.ts'

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
    message: '',
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
  const check = (given: Record<string, string>): readonly string[] =>
    checkAnswer(lab, {}, spans, given).lines.filter((line) => line.startsWith('✗'))
  expect(check(right)).toEqual([])
  expect(Object.keys(right).sort()).toEqual(Object.keys(lab.answer).sort())
  for (const key of Object.keys(right)) {
    expect(check({ ...right, [key]: wrong[key] ?? '' })).toEqual([`✗ ${key} is not right`])
    expect(check(Object.fromEntries(Object.entries(right).filter(([other]) => other !== key)))).toHaveLength(1)
    // Nothing, and what a program makes of nothing, is no answer.
    for (const nothing of ['', 'undefined', 'NaN', '*']) expect(check({ ...right, [key]: nothing })).toHaveLength(1)
  }
  expect(check({ ...right, more: 'x' })).toEqual(['✗ more was not asked for'])
}

describe('the labs', () => {
  it('draw what a world can be broken with, and have a page', () => {
    for (const lab of LABS) {
      for (let round = 0; round < 50; round++) {
        const { fault, at, parameters } = lab.draw(
          { services, links: ['edge-cloud'] },
          (from, to) => from + Math.floor(Math.random() * (to - from + 1)),
        )
        const kind = FAULTS[fault]
        expect(kind.places).toContain(placeOf(at, at === 'edge-cloud'))
        for (const [key, value] of Object.entries(parameters)) {
          expect(value).toBeGreaterThanOrEqual(kind.parameters[key]?.min ?? Infinity)
          expect(value).toBeLessThanOrEqual(kind.parameters[key]?.max ?? 0)
        }
      }
      expect(existsSync(new URL(`../../../../docs/labs/${lab.number}.md`, import.meta.url))).toBe(true)
    }
  })

  it('take no answer for nothing', () => {
    expect([near(0, 0.1)(''), near(Number.NaN, 1)('NaN'), is('')('')]).toEqual([false, false, false])
    expect([near(0, 0.1)('0'), near(100, 0.1)('109'), near(100, 0.1)('111'), is('ab')('AB')]).toEqual([
      true,
      true,
      false,
      true,
    ])
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
      return [first, preprocessing, ensemble, call(trace, ensemble, 'inference-a', 3010)]
    })
    expectOnly(
      skewedClock,
      traces,
      { service: 'ensemble', ms: '-3050', trace: 't1' },
      { service: 'inference-a', ms: '3000', trace: 't2' },
    )
  })

  it('6: the link on which a hop takes longest, and the longest request', () => {
    const hop = (link: string, ms: number): LabSpan =>
      span('t1', 'network', 'a → b', { tags: { 'link.name': link, 'link.ms': ms } })
    expectOnly(
      slowLink,
      [
        ...[10, 20, 900].map((ms) => hop('edge-fog', ms)),
        ...[200, 220, 240].map((ms) => hop('fog-cloud', ms)),
        root('t1', 0, 50),
        root('t2', 0, 60),
      ],
      { link: 'fog-cloud', ms: '215', trace: 't2' },
      { link: 'edge-fog', ms: '190', trace: 't1' },
    )
    expect(() => slowLink.draw({ services, links: [] }, () => 0)).toThrow('start the world with --world')
  })

  it('7: the longest line by its median, and the longest wait in it', () => {
    const waits = (service: string, ...all: number[]): LabSpan[] =>
      all.map((end, index) => span(`t${index}`, service, 'wait for the model', { end }))
    expectOnly(
      saturatedQueue,
      [...waits('inference-a', 1, 2, 9000), ...waits('inference-b', 500, 900, 600)],
      { service: 'inference-b', ms: '610', trace: 't1' },
      { service: 'inference-a', ms: '700', trace: 't2' },
    )
  })

  it('8: how often a model was loaded, and the longest of these', () => {
    const load = (trace: string, end: number): LabSpan => span(trace, 'inference-a', 'load the model', { end })
    expectOnly(
      coldStart,
      [load('t1', 500), load('t2', 800), load('t3', 700), span('t4', 'inference-b', 'run the model', { end: 5000 })],
      { service: 'inference-a', times: '3', ms: '801', trace: 't2' },
      { service: 'inference-b', times: '2', ms: '700', trace: 't3' },
    )
  })

  it('9: the first of the requests that did without a service', () => {
    const asked = (trace: string, start: number, ...by: string[]): LabSpan[] => [
      root(trace, start, start + 10),
      ...by.map((service) => span(trace, service, 'POST /inference', { kind: 'server' })),
    ]
    const [a, b] = ['inference-a', 'inference-b']
    expectOnly(
      serviceDown,
      [...asked('t1', 0, a, b), ...asked('t3', 20, b), ...asked('t2', 10, b), ...asked('t4', 30, a, b)],
      { service: a, trace: 't2', requests: '2' },
      { service: b, trace: 't3', requests: '3' },
    )
  })

  it('10: who does what only another one does', () => {
    const work = (trace: string): LabSpan[] => [
      span(trace, 'preprocessing', 'prepare the image'),
      span(trace, 'inference-a', 'classify in the background'),
      span(trace, 'inference-a', 'run the model', { tags: { 'model.name': 'a' } }),
    ]
    expectOnly(
      wrongName,
      [root('t1', 0, 10), ...work('t1'), root('t2', 0, 30), ...work('t2'), span('t2', 'inference-a', 'POST')],
      { service: 'ensemble', as: 'inference-a', trace: 't2', spans: '3' },
      { service: 'inference-a', as: 'ensemble', trace: 't1', spans: '2' },
    )
  })

  it('11: what was refused, and why', () => {
    const refused = (trace: string, start: number, message: string): LabSpan[] => [
      span(trace, 'preprocessing', 'POST', { kind: 'server', start, tags: { 'http.response.status_code': 400 } }),
      span(trace, 'preprocessing', 'prepare the image', { failed: true, message }),
      span(trace, 'client', 'POST', { kind: 'client', failed: true, tags: { 'http.response.status_code': 400 } }),
      span(trace, 'client', 'classify a photograph', { failed: true, message: `HTTP 400: ${message}` }),
    ]
    expectOnly(
      badImages,
      [
        ...refused('t2', 20, 'the jpeg image is corrupt: it ends'),
        ...refused('t1', 10, 'the file is not an image'),
        ...refused('t3', 30, 'the file is not an image'),
      ],
      { refused: '3', cut_off: '1', trace: 't1' },
      { refused: '6', cut_off: '2', trace: 't2' },
    )
  })

  it('12: the first message that was put aside, and how long that took', () => {
    const tried = (trace: string, sent: number, end: number): LabSpan[] => {
      const send = span(trace, 'ensemble', 'send results', { start: sent, end: sent + 1 })
      const attempt = (at: number, outcome: string): LabSpan[] => {
        const tags = { 'message.outcome': outcome }
        const work = span(trace, 'consumer', 'process results', { parentId: send.spanId, end: at, failed: true, tags })
        const inner = span(trace, 'consumer', 'store the result', { parentId: work.spanId, failed: true })
        const code = { 'db.response.status_code': trace === 't2' ? '22021' : '23514' }
        return [work, inner, span(trace, 'consumer', 'INSERT classifications', { parentId: inner.spanId, tags: code })]
      }
      return [send, ...attempt(end - 200, 'again'), ...attempt(end, 'dead_letter')]
    }
    const spans = [
      ...tried('t1', 0, 1600),
      ...tried('t2', 400, 1400),
      span('t3', 'consumer', 'process results', { end: 50, tags: { 'message.outcome': 'stored' } }),
    ]
    expectOnly(
      poisonMessage,
      spans,
      { lost: '2', code: '22021', trace: 't2', ms: '1010' },
      { lost: '3', code: '23514', trace: 't1', ms: '1400' },
    )
  })

  it('13: the longest wait in the queue, and who was taken with it', () => {
    const wait = (trace: string, start: number, end: number): LabSpan =>
      span(trace, 'consumer', 'wait in the queue', { start, end })
    const model = span('t9', 'inference-a', 'wait for the model', { start: 0, end: 99_999 })
    const together = [1000, 2000, 3000].map((start) => wait(`b${start}`, start, 4501))
    expectOnly(
      slowConsumer,
      [wait('t0', 0, 3900), wait('t3', 4600, 8000), ...together, wait('t1', 500, 4500), wait('t2', 700, 4500), model],
      { trace: 't1', ms: '4010', others: '4' },
      { trace: 't2', ms: '3800', others: '6' },
    )
  })

  it('14: the way that was held up for longest', () => {
    const way = (trace: string, link: string, ms: number): LabSpan =>
      span(trace, 'network', 'a → b', { tags: { 'link.name': link, 'link.ms': ms } })
    expectOnly(
      cutLink,
      [
        way('t1', 'edge-fog', 12),
        way('t2', 'edge-fog', 4000),
        way('t3', 'edge-fog', 3000),
        way('t4', 'fog-cloud', 700),
      ],
      { link: 'edge-fog', ms: '4010', trace: 't2' },
      { link: 'fog-cloud', ms: '3900', trace: 't3' },
    )
    expect(() => cutLink.draw({ services, links: [] }, () => 0)).toThrow('start the world with --world')
  })

  it('15: who is stopped for the greatest share of its time, and the request that had most of it', () => {
    const served = (trace: string, service: string, end: number, stopped: number): LabSpan =>
      span(trace, service, 'POST', { kind: 'server', end, tags: { 'runtime.gc_ms': stopped } })
    expectOnly(
      memoryPressure,
      [
        served('t1', 'inference-a', 100, 40),
        served('t2', 'inference-a', 200, 60),
        // More of it, in far more time.
        served('t1', 'ensemble', 9000, 500),
        span('t3', 'inference-a', 'POST', { kind: 'client', end: 10, tags: { 'runtime.gc_ms': 900 } }),
      ],
      { service: 'inference-a', ms: '60.5', trace: 't2' },
      { service: 'ensemble', ms: '64', trace: 't1' },
    )
  })

  it('waits until all messages are settled for good', () => {
    const sent = span('t1', 'ensemble', 'send results')
    const outcome = (text: string): LabSpan =>
      span('t1', 'consumer', 'process results', { tags: { 'message.outcome': text } })
    expect(areResultsWaiting([])).toBe(false)
    expect(areResultsWaiting([{ ...sent, failed: true }])).toBe(false)
    expect(areResultsWaiting([sent])).toBe(true)
    expect(areResultsWaiting([sent, outcome('again')])).toBe(true)
    for (const end of ['stored', 'dead_letter']) expect(areResultsWaiting([sent, outcome(end)])).toBe(false)
  })
})
