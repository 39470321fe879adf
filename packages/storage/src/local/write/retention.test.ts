import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { Retention, segmentLimit, type Drop, type ClosedSegment, type StoreState } from './retention.ts'

const MB = 1_000_000
const HOUR = 3_600_000
const DAY = 24 * HOUR
const WALL = 1_800_000_000_000

/** A store that does what retention decides. */
class Model {
  readonly retention: Retention
  closed: ClosedSegment[] = []
  openBytes = 0
  openCreatedMs: number | undefined
  wall = WALL
  mono = 0
  room = Infinity
  refusedForMs: number | undefined
  conditions: Pick<StoreState, 'isPending' | 'headroomBytes' | 'workroomBytes'> = {}
  nextId = 1

  constructor(limits: { maxBytes?: number; maxAgeMs?: number }) {
    this.retention = new Retention({ maxBytes: Infinity, maxAgeMs: Infinity, ...limits }, 0)
  }

  get total(): number {
    return this.closed.reduce((sum, { bytes }) => sum + bytes, this.openBytes)
  }

  add(segment: Partial<ClosedSegment>): void {
    const createdMs = segment.createdMs ?? this.wall
    this.closed.push({
      id: this.nextId++,
      bytes: MB,
      createdMs,
      endedMs: createdMs,
      closedAtMs: this.mono,
      ...segment,
    })
  }

  pass(ms: number): void {
    this.wall += ms
    this.mono += ms
  }

  #state(needBytes: number): StoreState {
    const { closed, openBytes, openCreatedMs, room, refusedForMs, wall, mono } = this
    return {
      ...this.conditions,
      closed,
      openCreatedMs,
      otherBytes: openBytes,
      needBytes,
      roomBytes: room,
      refusedForMs,
      wallMs: wall,
      monotonicMs: mono,
    }
  }

  upcoming(): readonly ClosedSegment[] {
    return this.retention.upcoming(this.#state(0))
  }

  decide(needBytes = 0): Drop[] {
    const { closed } = this
    const drops = this.retention.decide(this.#state(needBytes))
    // Always the oldest, in their order.
    expect(drops.map(({ segment }) => segment)).toEqual(closed.slice(0, drops.length))
    this.closed = closed.slice(drops.length)
    for (const { segment } of drops) this.room += segment.bytes
    return drops
  }

  /** What goes in so much time, a look every 10 s. */
  dropsWithin(ms: number): Drop[] {
    const drops: Drop[] = []
    for (let t = 0; t < ms; t += 10_000) {
      this.pass(10_000)
      drops.push(...this.decide())
    }
    return drops
  }
}

const bytesOf = (drops: readonly Drop[]): number => drops.reduce((sum, { segment }) => sum + segment.bytes, 0)

it('begins segments of at most 4 % of the store, from 64 KiB to the largest that was asked for', () => {
  expect(segmentLimit(1000 * MB, Infinity, 256 * MB)).toBe(40 * MB)
  expect(segmentLimit(0, 50 * MB, 256 * MB)).toBe(2 * MB)
  expect(segmentLimit(100 * MB, 50 * MB, 256 * MB)).toBe(2 * MB)
  expect(segmentLimit(0, 1000, 256 * MB)).toBe(65_536)
  expect(segmentLimit(0, Infinity, 256 * MB)).toBe(0.04 * 2 ** 26)
  expect(segmentLimit(100_000 * MB, Infinity, 256 * MB)).toBe(256 * MB)
  expect(segmentLimit(0, 50 * MB, 5000)).toBe(5000)
})

it('keeps the number of segments bounded', () => {
  let bytes = 0
  let segments = 0
  for (; bytes < 10_000 * MB; segments++) bytes += segmentLimit(bytes, Infinity, 256 * MB)
  expect(segments).toBeLessThan(25 + 25 * Math.log(bytes / 2 ** 26) + bytes / (256 * MB))
})

it('keeps the store within its size whatever comes in, and takes at most a twentieth at once', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 3 * MB, max: 60 * MB }),
      fc.array(fc.tuple(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 0, max: 3000 })), {
        minLength: 300,
        maxLength: 900,
      }),
      (maxBytes, records) => {
        const model = new Model({ maxBytes })
        const limit = segmentLimit(0, maxBytes, 256 * MB)
        for (const [share, ms] of records) {
          const bytes = (share / 400) * (limit / 2)
          model.pass(ms)
          const before = model.total
          expect(bytesOf(model.decide(bytes))).toBeLessThanOrEqual(0.05 * before)
          if (model.openBytes + bytes > limit) {
            model.add({ bytes: model.openBytes })
            model.openBytes = 0
          }
          model.openBytes += bytes
          model.retention.grew(bytes)
          expect(model.total).toBeLessThanOrEqual(maxBytes + limit / 2)
        }
        // It is used, too.
        if (model.nextId > 30) expect(model.total).toBeGreaterThan(0.9 * maxBytes)
      },
    ),
    { numRuns: 20, seed: 1 },
  )
})

it('shrinks a store that is far above its limit by a twentieth every ten seconds, until it is within', () => {
  const model = new Model({ maxBytes: 50 * MB })
  for (let i = 0; i < 200; i++) model.add({})
  let passes = 0
  while (model.total > 50 * MB) {
    const before = model.total
    const drops = model.decide()
    if (drops.length > 0) passes++
    expect(bytesOf(drops)).toBeLessThanOrEqual(0.05 * before)
    expect(model.decide()).toEqual([])
    model.pass(5000)
    expect(model.decide()).toEqual([])
    model.pass(5000)
  }
  expect(passes).toBeGreaterThan(25)
  expect(model.total).toBe(50 * MB)
})

it('drops faster than it is filled also while it is above its limit', () => {
  const model = new Model({ maxBytes: 50 * MB })
  for (let i = 0; i < 100; i++) model.add({})
  for (let i = 0; i < 200; i++) {
    model.pass(10)
    const before = model.total
    expect(bytesOf(model.decide(MB))).toBeLessThanOrEqual(0.05 * before)
    model.add({})
    model.retention.grew(MB)
  }
  expect(model.total).toBeLessThanOrEqual(51 * MB)
})

it('takes a segment that is more than a twentieth alone', () => {
  const model = new Model({ maxBytes: 50 * MB })
  for (let i = 0; i < 3; i++) model.add({ bytes: 100 * MB })
  expect(model.decide()).toHaveLength(1)
  expect(model.decide()).toEqual([])
})

it('makes room on a full disk, as fast as it is filled and else a pass a minute', () => {
  const model = new Model({})
  for (let i = 0; i < 100; i++) model.add({})
  model.room = -20 * MB
  expect(model.decide().map(({ reason }) => reason)).toEqual(Array.from({ length: 5 }, () => 'space'))
  expect(model.dropsWithin(50_000)).toEqual([])
  expect(model.dropsWithin(10_000)).toHaveLength(4)
  model.retention.grew(3 * MB)
  expect(model.decide()).toHaveLength(4)
  expect(model.dropsWithin(10 * 60_000)).toHaveLength(7) // 20 in all: there is room again.
  expect(model.room).toBe(0)
})

it('believes a refusal of the system that lasts, though it says that there is room', () => {
  const model = new Model({})
  for (let i = 0; i < 100; i++) model.add({})
  model.refusedForMs = 0
  expect(model.decide()).toEqual([])
  model.refusedForMs = 9999
  expect(model.decide()).toEqual([])
  model.refusedForMs = 10_000
  expect(model.decide()).toHaveLength(1)
  // From then on it is known to be full.
  model.refusedForMs = 0
  expect(model.decide()).toEqual([])
  model.retention.grew(MB)
  expect(model.decide()).toHaveLength(1)
})

it('drops by age what is older than the limit, in a steady state without delay', () => {
  const model = new Model({ maxAgeMs: 25 * HOUR })
  let dropped = 0
  for (let hour = 0; hour < 500; hour++) {
    model.openCreatedMs = model.wall
    dropped += model.dropsWithin(HOUR).length
    model.add({ createdMs: model.wall - HOUR, endedMs: model.wall })
    for (const { createdMs } of model.closed) expect(model.wall - createdMs).toBeLessThanOrEqual(27 * HOUR)
  }
  expect(dropped).toBeGreaterThan(470)
  expect(model.closed.length).toBeGreaterThanOrEqual(25)
})

it('counts the age of a segment from when the next one began, and never drops what may be younger', () => {
  const model = new Model({ maxAgeMs: DAY })
  model.add({ createdMs: WALL - 10 * DAY })
  model.openCreatedMs = WALL - DAY / 2
  expect(model.dropsWithin(DAY / 3)).toEqual([])
  expect(model.dropsWithin(DAY / 3)).toHaveLength(1)
})

it('deletes at most a tenth an hour when the clock jumps forward, and nothing more when it jumps back', () => {
  const model = new Model({ maxAgeMs: 30 * DAY })
  for (let i = 0; i < 200; i++) model.add({ createdMs: WALL - i * 1000 })
  model.dropsWithin(HOUR)
  expect(model.closed).toHaveLength(200)
  model.wall += 365 * DAY
  // A tenth of what is there, and what had gathered: a twentieth.
  const first = model.dropsWithin(HOUR).length
  expect(first).toBeGreaterThan(10)
  expect(first).toBeLessThanOrEqual(30)
  expect(model.dropsWithin(HOUR).length).toBeLessThanOrEqual(20)
  expect(model.dropsWithin(10 * HOUR).length).toBeLessThan(130)
  expect(model.closed.length).toBeGreaterThan(40)
  model.wall -= 365 * DAY
  expect(model.dropsWithin(DAY)).toEqual([])
})

it('deletes nothing by age in a process that is started again and again', () => {
  const closed = Array.from({ length: 100 }, (_, i) => WALL - 90 * DAY + i)
  for (let start = 0; start < 10; start++) {
    const model = new Model({ maxAgeMs: 30 * DAY })
    for (const createdMs of closed) model.add({ createdMs })
    expect(model.dropsWithin(50_000)).toEqual([])
    expect(model.dropsWithin(20_000).length).toBeLessThanOrEqual(5)
  }
})

it('goes on after a backward jump: what was written in the future is dropped with what came after it', () => {
  const model = new Model({ maxAgeMs: DAY })
  for (let i = 0; i < 10; i++) model.add({ createdMs: WALL + 1000 * DAY + i })
  for (let i = 0; i < 10; i++) model.add({ createdMs: WALL + i })
  model.openCreatedMs = WALL + 20
  expect(model.dropsWithin(DAY - HOUR)).toEqual([])
  model.dropsWithin(5 * DAY)
  expect(model.closed).toEqual([])
})

it('believes the times of what came later about what was written in the future, at once', () => {
  const model = new Model({ maxAgeMs: 10 * DAY })
  for (let i = 0; i < 10; i++) model.add({ createdMs: WALL + 1000 * DAY + i })
  for (let i = 0; i < 10; i++) model.add({ createdMs: WALL + i })
  model.openCreatedMs = WALL + 20
  model.wall += 20 * DAY
  expect(model.dropsWithin(HOUR).length).toBeGreaterThan(0)
})

it('goes on after a backward jump when nothing came after it', () => {
  const model = new Model({ maxAgeMs: DAY })
  for (let i = 0; i < 10; i++) model.add({ createdMs: WALL + 1000 * DAY + i })
  model.openCreatedMs = WALL + 1000 * DAY + 20
  expect(model.dropsWithin(DAY - HOUR)).toEqual([])
  model.dropsWithin(5 * DAY)
  expect(model.closed).toEqual([])
})

it('lets a segment wait that something is to be kept of, but for no room', () => {
  const model = new Model({ maxBytes: 30 * MB, maxAgeMs: DAY })
  for (let i = 0; i < 30; i++) model.add({ createdMs: WALL - 30 * DAY + i })
  model.openCreatedMs = WALL
  const pending = new Set([1])
  model.conditions = { isPending: ({ id }) => pending.has(id), headroomBytes: 3 * MB }
  expect(model.dropsWithin(HOUR)).toEqual([])
  // Up to the limit itself.
  model.openBytes = MB
  expect(model.dropsWithin(HOUR)[0]).toMatchObject({ segment: { id: 1 }, reason: 'size' })
  model.openBytes = 0
  // Of what need not wait, room is made before that.
  const free = new Model({ maxBytes: 30 * MB })
  for (let i = 0; i < 29; i++) free.add({})
  free.conditions = { isPending: () => false, headroomBytes: 3 * MB }
  expect(free.dropsWithin(HOUR).map(({ segment, reason }) => [segment.id, reason])).toEqual([
    [1, 'size'],
    [2, 'size'],
  ])
})

it('tells what comes next, before its turn', () => {
  const model = new Model({ maxBytes: 100 * MB, maxAgeMs: 30 * DAY })
  for (let i = 0; i < 80; i++) model.add({ createdMs: WALL - DAY + i })
  model.openCreatedMs = WALL
  const upcoming = (): number[] => model.upcoming().map(({ id }) => id)
  expect(upcoming()).toEqual([])
  for (let i = 0; i < 15; i++) model.add({})
  // 95 of 100, and 15 % ahead.
  expect(upcoming()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  model.closed = model.closed.slice(0, 20)
  expect(upcoming()).toEqual([])
  model.pass(26 * DAY)
  expect(upcoming()).toEqual(model.closed.map(({ id }) => id))
  expect(model.decide()).toEqual([])
  model.wall = WALL
  model.mono = 0
  model.room = MB
  expect(upcoming()).toEqual([1, 2])
})

it('is not led to drop all before a segment that was begun while the clock was in 1970', () => {
  const model = new Model({ maxAgeMs: 30 * DAY })
  for (let i = 0; i < 10; i++) model.add({ createdMs: WALL - 10 * HOUR + i * HOUR })
  model.add({ createdMs: 5000, endedMs: 5000 })
  model.openCreatedMs = WALL
  expect(model.dropsWithin(10 * DAY)).toEqual([])
})

it('for want of space a store that is so small that one segment is much of it loses nothing', () => {
  const model = new Model({})
  for (let i = 0; i < 10; i++) model.add({})
  model.room = 0
  model.refusedForMs = HOUR
  expect(model.decide(MB)).toEqual([])
  // Of thirty, one is less than a twentieth.
  for (let i = 0; i < 20; i++) model.add({})
  expect(model.decide(MB).map(({ reason }) => reason)).toEqual(['space'])
})
