import { describe, expect, it } from 'vitest'
import { FAULTS } from '../world/faults/catalogue.ts'
import type { FaultName } from '../world/faults/catalogue.ts'
import { AFTER_MS, judge } from './judge.ts'
import type { OnTime, Sent, Stored } from './judge.ts'
import { memoryUse, sampleMemory } from './memory.ts'
import type { MemorySample, MemoryUse } from './memory.ts'
import { planFaults } from './plan.ts'
import { report } from './report.ts'

const SERVICES = ['client', 'preprocessing', 'ensemble', 'inference-a', 'consumer']

function sent(traceId: string, from = 0, more: Partial<Sent> = {}): Sent {
  return { traceId, from, to: from + 100, failed: false, ...more }
}
function stored(traceId: string, from = 0, more: Partial<Stored> = {}): Stored {
  const root = { rootService: 'client', rootName: 'classify a photograph' }
  return { traceId, from, to: from + 150, ...root, orphans: 0, services: SERVICES, ...more }
}
function on(fault: FaultName, at: string, from: number, to: number): OnTime {
  return { fault, at, parameters: {}, from, to }
}
const without = (...names: string[]): string[] => SERVICES.filter((name) => !names.includes(name))
/** Kind, and the fault that explains it. */
const kinds = (...input: Parameters<typeof judge>): (string | undefined)[][] =>
  judge(...input).map(({ kind, by }) => [kind, by?.fault])

describe('what is odd about traces', () => {
  it('is nothing where each request is one whole trace, beside those of batches', () => {
    const batch = stored('b', 0, { rootService: 'consumer', rootName: 'store a batch', services: ['consumer'] })
    expect(kinds([sent('a')], [stored('a'), batch], [], SERVICES)).toEqual([])
  })

  it('is what failed, is not stored, has orphans, lacks a service, or was begun by nobody', () => {
    const requests = [sent('a', 0, { failed: true }), sent('b'), sent('c'), sent('d')]
    const rows = [
      stored('a', 0, { services: ['client'] }),
      stored('c', 0, { orphans: 2 }),
      stored('d', 0, { services: without('consumer') }),
      stored('e', 0, { rootService: 'ensemble', rootName: 'POST /ensemble_service' }),
      stored('f', 0, { rootService: 'consumer', rootName: 'store a batch', orphans: 1 }),
    ]
    expect(kinds(requests, rows, [], SERVICES)).toEqual([
      ['failed', undefined],
      ['lost', undefined],
      ['orphans', undefined],
      ['short', undefined],
      ['torn', undefined],
      ['orphans', undefined],
    ])
  })

  it.each<[string, FaultName, string, string, number, boolean]>([
    ['while it is on', 'errors', 'ensemble', 'failed', 1050, true],
    ['a moment after it', 'saturated_queue', 'inference-a', 'failed', 2000 + AFTER_MS, true],
    ['later', 'saturated_queue', 'inference-a', 'failed', 2001 + AFTER_MS, false],
    ['before it', 'errors', 'ensemble', 'failed', 800, false],
    ['by one that makes nothing fail', 'skewed_clock', 'ensemble', 'failed', 1050, false],
    ['where the service is down', 'service_down', 'consumer', 'short', 1050, true],
    ['where another one is down', 'service_down', 'inference-a', 'short', 1050, false],
    ['behind the service that lost it', 'lost_context', 'ensemble', 'short', 1050, true],
    ['beside the service that lost it', 'lost_context', 'inference-a', 'short', 1050, false],
    ['at the service that lost it', 'lost_context', 'consumer', 'torn', 1050, true],
    ['by a consumer that takes the result long after', 'lost_context', 'consumer', 'short', -28_000, true],
    ['by one that takes it even later', 'lost_context', 'consumer', 'short', -30_000, false],
    ['by who is stopped for garbage', 'memory_pressure', 'inference-a', 'failed', 1050, true],
    ['behind the service that lost it: torn off is where it was lost', 'lost_context', 'ensemble', 'torn', 1050, false],
    ['by a cut link, whose spans wait on the disk', 'dropped_link', 'edge-fog', 'lost', 1050, false],
    ['by a process that is killed', 'service_down', 'consumer', 'orphans', 1050, true],
    ['by one that is not in the trace', 'service_down', 'inference-b', 'orphans', 1050, false],
    ['by a link that is slow', 'slow_link', 'edge-fog', 'orphans', 1050, false],
  ])('is explained %s: %s at %s, %s', (_, fault, at, kind, from, isExplained) => {
    const request = sent('a', from, { failed: kind === 'failed' })
    const row = stored('a', from, {
      ...(kind === 'short' && { services: without('consumer') }),
      ...(kind === 'orphans' && { orphans: 1 }),
    })
    const torn = stored('t', from, { rootService: 'consumer', rootName: 'process results' })
    const rows = [...(kind === 'lost' ? [] : [row]), ...(kind === 'torn' ? [torn] : [])]
    const odd = judge([request], rows, [on(fault, at, 1000, 2000)], SERVICES)
    expect(odd.map((one) => [one.kind, one.by?.fault])).toEqual([[kind, isExplained ? fault : undefined]])
  })

  it('is told with its link, and makes the verdict', () => {
    const run = { page: 'http://page', minutes: 5, rate: 2, seed: 3, memory: [] }
    const faults = [on('errors', 'ensemble', 0, 500)]
    const requests = [sent('a', 0, { failed: true }), sent('b', 9000, { failed: true, reason: 'HTTP 502: busy' })]
    const odd = judge(requests, [stored('a'), stored('b', 9000)], faults, SERVICES)
    const { lines, good } = report({ ...run, sent: requests, faults, odd })
    expect(good).toBe(false)
    expect(lines.join('\n')).toMatch(/errors +ensemble +1 +1 +· +· +· +·\n/)
    expect(lines.join('\n')).toContain('✗ failed: http://page/trace/b at 1970-01-01T00:00:09.000Z HTTP 502: busy')
    const fine = judge(requests.slice(0, 1), [stored('a')], faults, SERVICES)
    expect(report({ ...run, sent: requests.slice(0, 1), faults, odd: fine }).good).toBe(true)
    expect(report({ ...run, sent: [], faults, odd: [] }).good).toBe(false)
  })
})

describe('how long a fault has effects', () => {
  it('is a tenth of its time where that is longer', () => {
    const cut = on('dropped_link', 'edge-fog', 0, 300_000)
    const failed = (from: number): unknown =>
      kinds([sent('a', from, { failed: true })], [stored('a', from)], [cut], SERVICES)
    expect(failed(330_000)).toEqual([['failed', 'dropped_link']])
    expect(failed(330_001)).toEqual([['failed', undefined]])
  })
})

describe('which fault is on when', () => {
  const all = Object.entries(FAULTS).map(([name, kind]) => ({
    ...kind,
    name: name as FaultName,
    at: kind.places.includes('link') ? [] : ['one', 'other'],
  }))
  const options = { seed: 1, totalMs: 600_000, onMs: 10_000, offMs: 5000, rate: 20 }

  it('is the same for the same seed, one after the other, all before one comes again', () => {
    const plan = planFaults(all, options)
    expect(planFaults(all, options)).toEqual(plan)
    expect(planFaults(all, { ...options, seed: 2 })).not.toEqual(plan)
    expect(plan).toHaveLength(39)
    for (const [index, { onMs, offMs }] of plan.entries()) {
      expect(offMs - onMs).toBe(10_000)
      expect(onMs - (plan[index - 1]?.offMs ?? 0)).toBe(5000)
    }
    // Those of links have no place here.
    const first = plan.slice(0, all.length - 2).map(({ fault }) => fault)
    expect(new Set(first).size).toBe(all.length - 2)
    expect(new Set(plan.map(({ at }) => at))).toEqual(new Set(['one', 'other']))
  })

  it('has numbers that the faults can be told', () => {
    for (const { fault, parameters } of planFaults(all, { ...options, totalMs: 6_000_000 }))
      for (const [key, value] of Object.entries(parameters)) {
        const { min = 0, max = 0, default: usual = 0 } = FAULTS[fault].parameters[key] ?? {}
        expect(value).toBeGreaterThanOrEqual(min)
        expect(value).toBeLessThanOrEqual(max)
        expect(Math.abs(value)).toBeLessThanOrEqual(usual * 1.5)
        if (fault === 'slow_consumer') expect(value).toBeLessThanOrEqual(100)
      }
  })
})

describe('memory', () => {
  const MINUTE = 60_000
  /** A look a minute, 40 of them: 10 a quarter. */
  const looks = (rss: (minute: number) => number, pid: (minute: number) => number = () => 1): MemorySample[] =>
    Array.from({ length: 40 }, (_, minute) => ({ name: 'a', pid: pid(minute), at: minute * MINUTE, rss: rss(minute) }))
  const use = (samples: readonly MemorySample[], faults: readonly OnTime[] = []): MemoryUse =>
    memoryUse(samples, faults, 0, 40 * MINUTE)[0]!

  it('goes on growing where each quarter has more than the one before', () => {
    expect(use(looks((minute) => 160 + 2 * minute))).toMatchObject({
      quarters: [188, 208, 228],
      most: 238,
      grows: false,
    })
    expect(use(looks((minute) => 160 + 2.5 * minute)).grows).toBe(true)
    expect(use(looks((minute) => 100 + 4 * minute)).grows).toBe(true)
  })

  it('does not where it has made a step, whenever that was, or goes up and down', () => {
    expect(use(looks((minute) => (minute < 20 ? 160 : 300)))).toMatchObject({ quarters: [160, 300, 300], grows: false })
    expect(use(looks((minute) => (minute < 30 ? 160 : 300)))).toMatchObject({ quarters: [160, 160, 300], grows: false })
    expect(use(looks((minute) => 160 + 60 * (minute % 2))).grows).toBe(false)
  })

  it('is that of a process which has run for a minute, while no fault is on or just was', () => {
    const young = looks(
      (minute) => (minute % 2 === 0 ? 50 + minute * 5 : 160),
      (minute) => Math.floor(minute / 2),
    )
    expect(use(young)).toMatchObject({ quarters: [160, 160, 160], most: 240, lives: 20, grows: false })
    const pressed = looks((minute) => (minute % 3 === 0 ? 160 : 500 + 20 * minute))
    const faults = Array.from({ length: 40 }, (_, minute) =>
      on('memory_pressure', 'a', minute * MINUTE - 10_000, minute * MINUTE - 1000),
    ).filter((_, minute) => minute % 3 !== 0)
    expect(use(pressed, faults)).toMatchObject({ quarters: [160, 160, 160], grows: false })
    expect(use(pressed).grows).toBe(true)
    expect(use(pressed, [on('errors', 'b', 0, 40 * MINUTE)]).grows).toBeUndefined()
  })

  it('makes the verdict of a run that is long enough', () => {
    const run = { page: 'http://page', rate: 2, seed: 3, sent: [sent('a')], faults: [], odd: [] }
    const told = (rss: (minute: number) => number, minutes = 40, faults: readonly OnTime[] = []): [boolean, string] => {
      const { good, lines } = report({ ...run, minutes, memory: [use(looks(rss), faults)] })
      return [good, lines.at(-1)!.trim()]
    }
    const leak = (minute: number): number => 100 + 4 * minute
    expect(told(leak)).toEqual([false, '✗ Memory grows from quarter to quarter: a'])
    expect(told(leak, 5)).toEqual([true, expect.stringContaining('told and not judged')])
    expect(told(() => 100)).toEqual([true, '✓ Memory does not go on growing.'])
    const always = [on('errors', 'b', 0, 40 * MINUTE)]
    expect(told(leak, 40, always)).toEqual([true, expect.stringContaining('Not judged, for want of quiet looks: a')])
  })

  it.skipIf(process.platform !== 'linux')('is looked at in those processes that are there', async () => {
    const [own, ...more] = await sampleMemory([
      { name: 'own', pid: process.pid },
      { name: 'none', pid: 2 ** 30 },
    ])
    expect(more).toEqual([])
    expect(own?.rss).toBeGreaterThan(20)
  })
})
