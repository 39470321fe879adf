import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { expectedOf, readGoldenCases, runHere } from './testkit/golden/index.ts'

const cases = readGoldenCases(import.meta.dirname)

describe('as the OpenTelemetry Collector has it', () => {
  test.each(cases)('$name', async (golden) => {
    if (golden.pauseMs > 0) {
      vi.useFakeTimers({
        toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
      })
      onTestFinished(() => void vi.useRealTimers())
    }
    const found = await runHere(golden, (ms) => vi.advanceTimersByTimeAsync(ms))
    expect(found).toEqual(expectedOf(golden))
  })
})

test('a case has an answer, and where that is an error, says what is told here', () => {
  const unfinished = cases.filter(
    ({ output, error, here }) => (output === undefined) !== (error !== undefined && here !== undefined),
  )
  expect(unfinished.map(({ name }) => name)).toEqual([])
})
