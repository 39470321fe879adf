import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLocalStore, type StoreHealth, type TraceStore } from '@spoor/storage'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { liveness, readiness, type Vitals } from './health.ts'
import { createIntake } from './storage-exporter.ts'

let directory: string
let store: TraceStore
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spoor-health-'))
  store = await openLocalStore({ directory })
})
afterAll(async () => {
  await store.close()
  await rm(directory, { recursive: true, force: true })
})

const vitals = (change: Partial<Vitals> = {}): Vitals => ({
  phase: 'running',
  store,
  intake: createIntake(),
  failure: undefined,
  ...change,
})

it('is live and ready while all is well', () => {
  expect(liveness(vitals())).toEqual({ ok: true, reasons: [] })
  expect(readiness(vitals())).toEqual({ ok: true, reasons: [] })
})

it.each<[string, Partial<Vitals>, RegExp]>([
  ['starts', { phase: 'starting', store: undefined }, /starting/],
  ['stops', { phase: 'stopping' }, /stopping/],
])('is live and not ready while it %s', (_, change, reason) => {
  expect(liveness(vitals(change)).ok).toBe(true)
  expect(readiness(vitals(change))).toEqual({ ok: false, reasons: [expect.stringMatching(reason) as string] })
})

it('is not live when a part has failed for good', () => {
  const failed = vitals({ failure: new Error('the writer failed 5 times') })
  expect(liveness(failed)).toEqual({ ok: false, reasons: ['the writer failed 5 times'] })
  expect(readiness(failed).ok).toBe(false)
})

it.each<Partial<StoreHealth>>([
  { writable: false, reasons: ['the disk fails: EIO'] },
  { readable: false, reasons: ['the reader of searches does not answer'] },
])('is live and not ready while the store says %j', (change) => {
  const failing = vitals({ store: { health: () => ({ ...store.health(), ...change }) } })
  expect(liveness(failing).ok).toBe(true)
  expect(readiness(failing)).toEqual({ ok: false, reasons: change.reasons })
})

it('is not ready when spans are refused for more than ten seconds, until some are taken or none come', () => {
  let nowMs = 0
  const intake = createIntake(() => nowMs)
  const ready = () => readiness(vitals({ intake })).ok
  intake.refused('no room')
  nowMs = 9_000
  intake.refused('no room')
  expect(ready()).toBe(true)
  nowMs = 10_000
  intake.refused('no room')
  expect(ready()).toBe(false)
  intake.taken()
  expect(ready()).toBe(true)
  intake.refused('no room')
  nowMs = 25_000
  expect(ready()).toBe(false)
  nowMs = 45_000
  expect(ready()).toBe(true)
})
