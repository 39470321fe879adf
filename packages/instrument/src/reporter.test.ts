import { DiagLogLevel } from '@opentelemetry/api'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createReporter } from './reporter.ts'

let lines: string[]

beforeEach(() => {
  lines = []
  vi.spyOn(process.stderr, 'write').mockImplementation((line) => {
    lines.push(String(line))
    return true
  })
})

afterEach(() => vi.restoreAllMocks())

test('quiet leaves out the good news only, level none everything', () => {
  for (const options of [
    { quiet: false, level: DiagLogLevel.WARN },
    { quiet: true, level: DiagLogLevel.WARN },
    { quiet: false, level: DiagLogLevel.NONE },
  ]) {
    const reporter = createReporter(options)
    reporter.say('good')
    reporter.warn('bad 100%')
  }
  expect(lines).toEqual(['spoor: good\n', 'spoor: bad 100%\n', 'spoor: bad 100%\n'])
})

test('a kind of warning is written once, until it is reset', () => {
  const reporter = createReporter({ quiet: false, level: DiagLogLevel.WARN })
  for (const count of [1, 2]) reporter.warnSometimes('lost', () => `${count} lost`)
  reporter.warnSometimes('late', () => 'late')
  reporter.reset('lost')
  reporter.warnSometimes('lost', () => '3 lost')
  expect(lines).toEqual(['spoor: 1 lost\n', 'spoor: late\n', 'spoor: 3 lost\n'])
})

test("the SDK's messages are written once a kind, whatever they are made of", () => {
  const { diagLogger } = createReporter({ quiet: false, level: DiagLogLevel.WARN })
  const circular: Record<string, unknown> = {}
  circular['self'] = circular
  diagLogger.warn('Cannot execute the operation on ended Span', { traceId: '1' })
  diagLogger.warn('Cannot execute the operation on ended Span', { traceId: '2' })
  diagLogger.warn('Dropped 3 spans because maxQueueSize reached')
  diagLogger.warn('Dropped 14 spans because maxQueueSize reached')
  diagLogger.error('GET 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331 - You can only call end() on a span once.')
  diagLogger.error('POST 1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331 - You can only call end() on a span once.')
  diagLogger.error(new Error('not text') as unknown as string, circular, new Error('cause'))
  expect(lines).toEqual([
    'spoor: opentelemetry warning: Cannot execute the operation on ended Span {"traceId":"1"}\n',
    'spoor: opentelemetry warning: Dropped 3 spans because maxQueueSize reached\n',
    'spoor: opentelemetry error: GET 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331 - You can only call end() on a span once.\n',
    'spoor: opentelemetry error: not text [object Object] cause\n',
  ])
})
