import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { expectedOf, readGoldenCases, readWireCases, runHere, runWireHere } from './testkit/golden/index.ts'
import { inOrder } from './testkit/in-order.ts'

const cases = readGoldenCases(import.meta.dirname)
const wireCases = readWireCases(import.meta.dirname)

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

describe('as the OpenTelemetry Collector speaks with others', () => {
  test.each(wireCases)('$name', async (golden) => {
    const found = await runWireHere(golden)
    // One request is written as it is, several as a list.
    const output = Array.isArray(found.output) && found.output.length === 1 ? found.output[0] : found.output
    expect(inOrder(found.error ?? output)).toEqual(inOrder(golden.here ?? golden.output))
  })
})

test('a case has an answer, and where that is an error, says what is told here', () => {
  const unfinished = [...cases, ...wireCases].filter(
    ({ output, error, here }) => (output === undefined) !== (error !== undefined && here !== undefined),
  )
  expect(unfinished.map(({ name }) => name)).toEqual([])
})
