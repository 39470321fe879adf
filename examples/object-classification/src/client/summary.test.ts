import { describe, expect, it } from 'vitest'
import { progressText } from './load-progress.ts'
import type { Classification } from './send.ts'
import { summaryJson, summaryLines, Tally } from './summary.ts'
import { judge } from './whole-traces.ts'

const traceId = (index: number): string => index.toString(16).padStart(32, 'a')
const vote = { index: 0, label: 'dog', probability: 1 }

function answered(index: number, elapsedMs: number, models = 2): Classification {
  const votes = Array.from({ length: models }, (_, model) => ({ model: `m${model}`, ...vote }))
  return {
    file: 'dog.jpg',
    traceId: traceId(index),
    elapsedMs,
    result: { requestId: 'x', ...vote, top: [], votes, failed: [] },
  }
}
const failed = (index: number, error: string): Classification => ({
  file: 'dog.jpg',
  traceId: traceId(index),
  elapsedMs: 1,
  error,
})
function tallyOf(answers: readonly Classification[]): Tally {
  const tally = new Tally()
  for (const answer of answers) tally.add(answer)
  return tally
}

describe('the summary of a run', () => {
  const tally = tallyOf([
    ...Array.from({ length: 98 }, (_, index) => answered(index, 100)),
    failed(98, 'HTTP 503: busy'),
    failed(99, 'HTTP 503: busy'),
  ])
  const state = { sent: 100, underWay: 0, late: 3, mostLateMs: 1500 }
  const run = { id: 'abc', seconds: 5, state, tally, page: 'http://127.0.0.1:16686' }

  it('tells how many, how fast, what failed, and what became of the traces', () => {
    const traces = { expected: 100, whole: 97, missing: 2, broken: 1, short: 0 }
    expect(summaryLines({ ...run, traces })).toEqual([
      '  sent      100 in 5.0 s, 20.0 a second: 98 classified, 2 failed',
      '  latency   min 100 ms   p50 100 ms   p90 100 ms   p95 100 ms   p99 100 ms   max 100 ms',
      '  late      3 waited for others to be answered, for at most 1.50 s',
      '  failed    2 × HTTP 503: busy',
      '  traces    97 of 100 whole, 2 not stored, 1 with spans whose parents are missing',
      '  see       http://127.0.0.1:16686/search?q=load.run.id:abc',
    ])
    expect(summaryJson({ ...run, traces })).toMatchObject({ run: 'abc', sent: 100, classified: 98, failed: 2, traces })
  })

  it('says when the client is not traced', () => {
    const untraced = tallyOf([{ ...answered(0, 1), traceId: '0'.repeat(32) }])
    const traces = judge(untraced.expected, new Map())
    expect(summaryLines({ ...run, tally: untraced, traces }).join('\n')).toContain('the client is not traced')
  })

  it('tells no more kinds of failure apart than it has room for', () => {
    const many = tallyOf(Array.from({ length: 50 }, (_, index) => failed(index, `reason ${index}`)))
    expect(many.reasons).toHaveLength(21)
    expect(many.reasons[0]).toEqual(['other reasons', 30])
  })

  it('tells how far it is', () => {
    expect(progressText({ ...state, underWay: 4 }, tally, 1000, 5)).toBe(
      '100 of 1000 sent, 20.0 a second, 2 failed, 4 under way',
    )
    expect(progressText(state, new Tally(), Infinity, 5)).toBe('100 sent, 20.0 a second, 0 under way')
  })
})

describe('judge', () => {
  const services = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ name: `${index}`, spans: 1, errors: 0, selfTimeNs: 0 }))
  it('finds what is not stored, what misses parents, and what misses services', () => {
    const { expected } = tallyOf([answered(0, 1), answered(1, 1), answered(2, 1), answered(3, 1), failed(4, 'no')])
    const rows = new Map([
      [traceId(0), { orphans: 0, services: services(5) }],
      [traceId(1), { orphans: 1, services: services(5) }],
      [traceId(2), { orphans: 0, services: services(4) }],
      [traceId(4), { orphans: 0, services: services(2) }],
    ])
    expect(judge(expected, rows)).toEqual({ expected: 5, whole: 2, broken: 1, short: 1, missing: 1 })
  })
})
