import { stripVTControlCharacters } from 'node:util'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createLogger } from './logging.ts'

test('at a terminal, what somebody has asked to see is there whatever the level, with its text on lines of its own', () => {
  const written: string[] = []
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0)
  onTestFinished(() => spy.mockRestore())
  const logger = createLogger('error', true)
  logger.warn({}, 'not this')
  logger.print?.({ component: 'debug', spans: 2, text: 'Span #0\n    Name: x' }, 'Traces')
  const plain = stripVTControlCharacters(written.join(''))
  expect(plain).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}Traces {2}component=debug spans=2\nSpan #0\n {4}Name: x\n$/)
})
