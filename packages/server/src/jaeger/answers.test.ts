import { expect, it } from 'vitest'
import { createAnswerBudget } from '../http/answer-budget.ts'
import { requestOf, spanIdOf, string, traceIdOf } from '../testkit.ts'
import { otlpOf, readingTime, readTrace } from './answers.ts'

it('counts the time of reading, also of what fails, and not that of whoever takes what was read', async () => {
  let nowMs = 0
  const time = readingTime(10_000, () => nowMs)
  const reads = (ms: number, fails = false) =>
    time.during(async () => {
      nowMs += ms
      if (fails) throw new Error('cannot be read')
      return ms
    })
  expect(await reads(4_000)).toBe(4_000)
  nowMs += 60_000
  expect(time.isOver).toBe(false)
  await expect(reads(5_999, true)).rejects.toThrow('cannot be read')
  expect(time.isOver).toBe(false)
  await reads(1)
  expect(time.isOver).toBe(true)
})

it('ends what is read after its time, and gives up what it is read from', async () => {
  let nowMs = 0
  const time = readingTime(10_000, () => nowMs)
  let isGivenUp = false
  async function* chunks(): AsyncGenerator<number> {
    try {
      for (let i = 1; ; i++) {
        nowMs += 4_000
        yield i
      }
    } finally {
      isGivenUp = true
    }
  }
  const got: number[] = []
  const reading = (async () => {
    for await (const chunk of time.reading(chunks())) {
      got.push(chunk)
      nowMs += 60_000
    }
  })()
  await expect(reading).rejects.toMatchObject({ status: 504, code: 'timeout' })
  expect([got, isGivenUp]).toEqual([[1, 2, 3], true])
})

it('has for each trace of an answer the room that the one before has had', async () => {
  const attributes = [string('text', 'x'.repeat(100_000))]
  let reads = 0
  async function* trace(traceId: string): AsyncGenerator<Uint8Array> {
    reads++
    yield requestOf('a', [{ traceId, spanId: spanIdOf(1), attributes }])
  }
  const room = createAnswerBudget(250_000).take(0, 'answer')!
  const call = { signal: new AbortController().signal, timeoutMs: 1_000, room }
  for (const id of [1, 2, 3].map(traceIdOf)) {
    for await (const chunk of otlpOf({ trace }, trace(id), id, false, call)) expect(chunk.length).toBeGreaterThan(1e5)
    const reader = await readTrace({ trace }, id, false, call)
    for await (const span of reader!.spans()) expect(span.warnings).toBeNull()
  }
  // One for which there is no room is read twice.
  expect(reads).toBe(6)
})
