import { createCounters } from '@spoor/collector'
import { expect, it } from 'vitest'
import { Lane } from './lanes.ts'

const never = new AbortController().signal
const refused = (reason: string) => (lane: ReturnType<typeof laneOf>) =>
  lane.counters.snapshot().find(({ name, labels }) => name === 'spoor_queries_refused' && labels['reason'] === reason)
    ?.value

function laneOf(running: number, waiting: number) {
  const counters = createCounters()
  const lane = new Lane('searches', { running, waiting }, counters)
  const gauge = (name: string) => counters.snapshot().find((sample) => sample.name === name)?.value
  return {
    lane,
    counters,
    running: () => gauge('spoor_queries_running'),
    waiting: () => gauge('spoor_queries_waiting'),
  }
}

it('lets in as many as it has places, the others in the order in which they came', async () => {
  const one = laneOf(2, 10)
  const leave = await Promise.all([one.lane.enter(1000, never), one.lane.enter(1000, never)])
  const order: number[] = []
  const waiting = [1, 2, 3].map(async (number) => {
    const out = await one.lane.enter(10_000, never)
    order.push(number)
    return out
  })
  expect([one.running(), one.waiting(), order]).toEqual([2, 3, []])
  leave[0]()
  leave[0]() // A second time gives back nothing.
  await waiting[0]
  expect([one.running(), one.waiting(), order]).toEqual([2, 2, [1]])
  leave[1]()
  for (const out of await Promise.all([waiting[0]!, waiting[1]!])) out()
  ;(await waiting[2]!)()
  expect([one.running(), one.waiting(), order]).toEqual([0, 0, [1, 2, 3]])
})

it('refuses beyond its queue, after the wait, and when the client leaves; and goes on', async () => {
  const one = laneOf(1, 1)
  const leave = await one.lane.enter(1000, never)
  const client = new AbortController()
  const waits = one.lane.enter(60_000, client.signal)
  await expect(one.lane.enter(1000, never)).rejects.toMatchObject({ status: 503, code: 'busy' })
  client.abort()
  await expect(waits).rejects.toMatchObject({ status: 503 })
  await expect(one.lane.enter(20, never)).rejects.toMatchObject({ status: 503 })
  expect(['queue_full', 'client_left', 'waited_too_long'].map((reason) => refused(reason)(one))).toEqual([1, 1, 1])
  leave()
  expect([one.running(), one.waiting()]).toEqual([0, 0])
  ;(await one.lane.enter(20, never))()
})
