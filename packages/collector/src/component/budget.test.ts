import * as fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createBudget, type Lease } from './budget.ts'
import { createCounters, type Counters } from './counters.ts'

const MIB = 1024 * 1024

function valueOf(counters: Counters, name: string, labels: Record<string, string> = {}): number | undefined {
  const found = counters
    .snapshot()
    .find(
      (sample) => sample.name === name && Object.entries(labels).every(([key, text]) => sample.labels[key] === text),
    )
  return found?.value
}

describe('a budget', () => {
  test('gives out no more than it has, and has back what is released', () => {
    const budget = createBudget(100)
    const first = budget.take(60, 'body')!
    expect(budget.take(41, 'body')).toBeUndefined()
    expect(first.grow(41)).toBe(false)
    expect(first.bytes).toBe(60)
    const second = budget.take(40, 'body')!
    expect(budget.used).toBe(100)
    first.shrink(10)
    expect(second.grow(10)).toBe(true)
    first.release()
    expect(first.bytes).toBe(0)
    expect(budget.used).toBe(50)
  })

  test('takes nothing back twice, and gives nothing to a lease that is over', () => {
    const budget = createBudget(100)
    const lease = budget.take(60, 'body')!
    lease.release()
    lease.release()
    lease.shrink(1)
    expect(lease.grow(1)).toBe(false)
    expect(budget.used).toBe(0)
  })

  test('refuses sizes that make no sense', () => {
    expect(() => createBudget(0)).toThrow('createBudget: maxBytes is 0, must be at least 1')
    expect(() => createBudget(Number.NaN)).toThrow(RangeError)
    const lease = createBudget(100).take(10, 'body')!
    expect(() => lease.grow(-1)).toThrow(RangeError)
    expect(() => lease.grow(Number.NaN)).toThrow(RangeError)
    expect(() => lease.shrink(11)).toThrow('a lease of 10 cannot shrink by 11')
  })

  test('a small message finds room while a large one does not', () => {
    const budget = createBudget(100)
    budget.take(50, 'body')
    expect(budget.take(51, 'body')).toBeUndefined()
    expect(budget.take(50, 'body')).toBeDefined()
  })

  test('says what to do: come again, or send less', () => {
    const budget = createBudget(100)
    budget.take(60, 'body')
    expect(budget.refusal(50)).toMatchObject({
      code: 'overloaded',
      retryable: true,
      retryAfterMs: 1000,
      message: '60 of 100 bytes for requests in flight are used; try again',
    })
    expect(budget.refusal(101)).toMatchObject({ code: 'too_large', retryable: false })
  })

  test('tells of each sender that is to come again, not of one that sends too much', () => {
    const reasons: string[] = []
    const budget = createBudget(100, { onOverload: (reason) => void reasons.push(reason) })
    budget.take(60, 'body')
    budget.refusal(101)
    expect(reasons).toEqual([])
    budget.refusal(50)
    expect(reasons).toEqual(['60 of 100 bytes for requests in flight are used; try again'])
  })

  test('is shown by stage, and its refusals are counted', () => {
    const counters = createCounters()
    const budget = createBudget(100, { counters })
    const lease = budget.take(60, 'body')!
    budget.take(41, 'body')
    expect(valueOf(counters, 'spoor_budget_limit_bytes')).toBe(100)
    expect(valueOf(counters, 'spoor_budget_bytes', { stage: 'body' })).toBe(60)
    expect(valueOf(counters, 'spoor_budget_refusals', { reason: 'full' })).toBe(1)
    lease.move('pipeline')
    lease.grow(5)
    expect(valueOf(counters, 'spoor_budget_bytes', { stage: 'body' })).toBe(0)
    expect(valueOf(counters, 'spoor_budget_bytes', { stage: 'pipeline' })).toBe(65)
    lease.release()
    expect(valueOf(counters, 'spoor_budget_bytes', { stage: 'pipeline' })).toBe(0)
  })

  test('always knows what it gave, whatever is done', () => {
    const step = fc.tuple(fc.constantFrom('take', 'grow', 'shrink', 'move', 'release'), fc.nat(5), fc.nat(70))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const budget = createBudget(100)
        const leases: (Lease | undefined)[] = []
        for (const [what, which, bytes] of steps) {
          const lease = leases[which]
          if (what === 'take') leases[which] ??= budget.take(bytes, 'body')
          else if (what === 'grow') lease?.grow(bytes)
          else if (what === 'shrink') lease?.shrink(Math.min(bytes, lease.bytes))
          else if (what === 'move') lease?.move('pipeline')
          else {
            lease?.release()
            leases[which] = undefined
          }
          expect(budget.used).toBe(leases.reduce((sum, held) => sum + (held?.bytes ?? 0), 0))
          expect(budget.used).toBeLessThanOrEqual(100)
        }
        for (const lease of leases) lease?.release()
        expect(budget.used).toBe(0)
      }),
    )
  })
})

describe('a budget of a program that wants to take no more than so much memory in all', () => {
  function create() {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] })
    const program = { rest: 0, residentBytes: () => program.rest + budget.used }
    const budget = createBudget(100 * MIB, {
      maxResidentBytes: 300 * MIB,
      residentBytes: program.residentBytes,
      counters,
    })
    /** How much somebody gets now, asking for a MiB at a time. */
    const room = () => {
      vi.advanceTimersByTime(20)
      const lease = budget.take(0, 'body')!
      while (lease.bytes < 200 * MIB && lease.grow(MIB));
      const had = lease.bytes
      lease.release()
      return had / MIB
    }
    return { budget, program, room }
  }
  const counters = createCounters()
  afterEach(() => void vi.useRealTimers())

  test('leaves to bytes in flight what the rest of it does not take, two fifths at the least', () => {
    const { budget, program, room } = create()
    budget.take(10 * MIB, 'pipeline')
    program.rest = 200 * MIB
    expect(room()).toBe(90)
    program.rest = 230 * MIB
    expect(room()).toBe(60)
    expect(valueOf(counters, 'spoor_budget_limit_bytes')).toBe(70 * MIB)
    program.rest = 280 * MIB
    expect(room()).toBe(30)
    program.rest = 100 * MIB
    expect(room()).toBe(90)
  })

  test('one message that is larger than what is left gets through when it has the highest limit for itself', () => {
    const { budget, program } = create()
    program.rest = 280 * MIB
    expect(budget.take(41 * MIB, 'body')).toBeDefined()
    expect(budget.take(60 * MIB, 'body')).toBeUndefined()
    expect(budget.take(59 * MIB, 'body')).toBeDefined()
  })

  test('one that begins has a lease for nothing yet, also while more is held than is left now', () => {
    const { budget, program } = create()
    const first = budget.take(90 * MIB, 'body')!
    program.rest = 280 * MIB
    vi.advanceTimersByTime(20)
    expect(first.grow(20 * MIB)).toBe(false)
    const second = budget.take(0, 'body')!
    expect(second.grow(1)).toBe(false)
    expect(budget.refusal(1).message).toBe(
      `${90 * MIB} of ${40 * MIB} bytes for requests in flight are used; try again`,
    )
  })

  test('memory is not looked at for each request', () => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] })
    const residentBytes = vi.fn(() => 0)
    const budget = createBudget(100 * MIB, { maxResidentBytes: 300 * MIB, residentBytes })
    const lease = budget.take(100 * MIB, 'body')!
    for (let i = 0; i < 1000; i++) budget.take(1, 'body')
    expect(residentBytes).toHaveBeenCalledTimes(1)
    lease.release()
    vi.advanceTimersByTime(20)
    for (let i = 0; i < 1000; i++) budget.take(MIB / 100, 'body')?.release()
    expect(residentBytes).toHaveBeenCalledTimes(2)
  })
})

describe('stages that keep what they have answered for', () => {
  test('always get what they were handed, which its caller holds until it is answered', () => {
    const budget = createBudget(100)
    const received = budget.take(100, 'pipeline')!
    const keeper = budget.keeper()
    keeper.add(30)
    expect(budget.used).toBe(130)
    expect(budget.take(1, 'body')).toBeUndefined()
    expect(budget.take(0, 'body')).toBeDefined()
    received.release()
    expect(budget.used).toBe(30)
    expect(budget.take(71, 'body')).toBeUndefined()
    expect(budget.take(70, 'body')).toBeDefined()
    keeper.remove(30)
    expect(budget.used).toBe(70)
    expect(() => keeper.remove(1)).toThrow('a keeper of 0 bytes cannot give back 1')
  })

  test('keep three eighths of the budget together, and each of them something', () => {
    const counters = createCounters()
    const budget = createBudget(800, { counters })
    const [first, second] = [budget.keeper(), budget.keeper()]
    expect(first.hasRoom(1000)).toBe(true)
    first.add(200)
    expect(second.hasRoom(1000)).toBe(true)
    second.add(50)
    expect([first.hasRoom(50), first.hasRoom(51), second.hasRoom(51)]).toEqual([true, false, false])
    expect([first.bytes, second.bytes]).toEqual([200, 50])
    expect(valueOf(counters, 'spoor_budget_bytes', { stage: 'queue' })).toBe(250)
    expect(first.refusal()).toMatchObject({
      code: 'overloaded',
      retryable: true,
      retryAfterMs: 1000,
      message: 'the queues of the collector hold 250 of 300 bytes; try again',
    })
    expect(valueOf(counters, 'spoor_budget_refusals', { reason: 'queues_full' })).toBe(1)
    second.remove(50)
    expect(first.hasRoom(100)).toBe(true)
  })
})

describe('slow holders', () => {
  afterEach(() => void vi.useRealTimers())

  function withClock(): void {
    vi.useFakeTimers({ toFake: ['performance'] })
  }

  test('give way when others need the bytes, the slowest first, and no more of them than needed', () => {
    withClock()
    const counters = createCounters()
    const budget = createBudget(100, { counters })
    const gone: string[] = []
    const hold = (name: string, bytes: number): Lease => {
      const lease: Lease = budget.take(bytes, 'body', () => {
        gone.push(name)
        lease.release()
      })!
      return lease
    }
    const faster = hold('faster', 50)
    hold('slower', 40)
    hold('idle', 0)
    vi.advanceTimersByTime(6000)
    expect(budget.take(20, 'body')).toBeDefined()
    expect(gone).toEqual(['slower'])
    expect(faster.bytes).toBe(50)
    expect(valueOf(counters, 'spoor_budget_refusals', { reason: 'slow_client' })).toBe(1)
    expect(valueOf(counters, 'spoor_budget_refusals', { reason: 'full' })).toBe(0)
  })

  test('are left alone while they are new, fast, or have what they waited for', () => {
    withClock()
    const budget = createBudget(10 * MIB)
    const reclaim = vi.fn()
    budget.take(4 * MIB, 'body', reclaim)
    const moved = budget.take(5, 'body', reclaim)!
    moved.move('pipeline')
    vi.advanceTimersByTime(4000)
    expect(budget.take(8 * MIB, 'body')).toBeUndefined()
    vi.advanceTimersByTime(4000)
    expect(budget.take(8 * MIB, 'body')).toBeUndefined()
    expect(reclaim).not.toHaveBeenCalled()
  })

  test('that ask for more themselves get nothing', () => {
    withClock()
    const budget = createBudget(100)
    const lease: Lease = budget.take(90, 'body', () => lease.release())!
    vi.advanceTimersByTime(6000)
    expect(lease.grow(20)).toBe(false)
    expect(budget.used).toBe(0)
  })

  test('lose their lease even if they do not give it back', () => {
    withClock()
    const budget = createBudget(100)
    const lease = budget.take(90, 'body', () => {})!
    vi.advanceTimersByTime(6000)
    expect(budget.take(20, 'body')).toBeDefined()
    expect(lease.grow(1)).toBe(false)
    expect(budget.used).toBe(20)
  })
})

describe('garbage', () => {
  afterEach(() => void vi.useRealTimers())

  /** A heap of which a minor collection frees what is young, and a major one all garbage. */
  function createHeap(maxGarbageShare?: number): {
    budget: ReturnType<typeof createBudget>
    collections: string[]
    pass: (megabytes: number, becomes: 'held' | 'young' | 'old' | 'foreign') => Lease
    release: (lease: Lease) => void
    garbage: () => number
  } {
    const heap = { held: 0, young: 0, old: 0, foreign: 1000 * MIB }
    const collections: string[] = []
    const budget = createBudget(400 * MIB, {
      ...(maxGarbageShare && { maxGarbageShare }),
      outsideBytes: () => heap.held + heap.young + heap.old + heap.foreign,
      collect(kind) {
        collections.push(kind)
        heap.young = 0
        if (kind === 'major') heap.old = 0
      },
    })
    return {
      budget,
      collections,
      pass(megabytes, becomes) {
        const lease = budget.take(megabytes * MIB, 'body')!
        if (becomes !== 'held') lease.release()
        heap[becomes] += megabytes * MIB
        return lease
      },
      release(lease) {
        heap.held -= lease.bytes
        heap.old += lease.bytes
        lease.release()
      },
      garbage: () => heap.young + heap.old,
    }
  }

  test('is collected when there is much of it: first what is young, then all', () => {
    const { collections, pass, garbage } = createHeap()
    // What others hold outside of the heap is seen once, and then known.
    for (let i = 0; i < 4; i++) pass(9, 'held')
    expect(collections.splice(0)).toEqual(['minor', 'major'])
    for (let i = 0; i < 20; i++) pass(9, 'held')
    expect(collections).toEqual([])
    for (let i = 0; i < 40; i++) {
      pass(9, 'young')
      expect(garbage()).toBeLessThan(170 * MIB)
    }
    expect(new Set(collections.splice(0))).toEqual(new Set(['minor']))
    for (let i = 0; i < 40; i++) {
      pass(9, 'old')
      expect(garbage()).toBeLessThan(320 * MIB)
    }
    expect(collections).toContain('major')
  })

  test('is more between collections that would follow each other closely, where the program has the memory', () => {
    vi.useFakeTimers()
    const { collections, pass, garbage } = createHeap(3 / 8)
    for (let i = 0; i < 4; i++) pass(9, 'foreign')
    vi.advanceTimersByTime(60_000)
    const most = (waitMs: number): number => {
      let most = 0
      for (let i = 0; i < 40; i++) {
        pass(9, 'young')
        most = Math.max(most, garbage())
        vi.advanceTimersByTime(waitMs)
      }
      return most
    }
    collections.length = 0
    expect(most(5)).toBe(153 * MIB)
    const often = collections.splice(0).length
    expect(most(500)).toBeLessThanOrEqual(63 * MIB)
    expect(collections.length).toBeGreaterThan(2 * often)
  })

  test('others may hold more and less: each is found out by one collection', () => {
    const { collections, pass } = createHeap()
    for (let i = 0; i < 5; i++) pass(9, 'held')
    collections.length = 0
    for (let i = 0; i < 20; i++) pass(9, 'foreign')
    expect(collections.filter((kind) => kind === 'major').length).toBeLessThanOrEqual(4)
  })

  test('is collected when all is quiet, and then no more', () => {
    vi.useFakeTimers()
    const { collections, pass, release, garbage } = createHeap()
    const lease = pass(100, 'held')
    pass(1, 'young')
    vi.advanceTimersByTime(60_000)
    collections.length = 0
    release(lease)
    vi.advanceTimersByTime(1_900)
    expect([collections, garbage()]).toEqual([[], 100 * MIB])
    vi.advanceTimersByTime(10_000)
    expect([collections, garbage()]).toEqual([['minor', 'major'], 0])
    vi.advanceTimersByTime(60_000)
    expect(collections.length).toBe(2)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('is left to V8 where nothing collects', () => {
    vi.useFakeTimers()
    const budget = createBudget(100)
    budget.take(100, 'body')!.release()
    expect(vi.getTimerCount()).toBe(0)
  })
})
