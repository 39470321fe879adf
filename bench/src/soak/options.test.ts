import { expect, it } from 'vitest'
import { readSoakOptions } from './options.ts'

it('is an hour of the shop at full load, asked all the time, when nothing is said', () => {
  expect(readSoakOptions([])).toEqual({
    minutes: 60,
    corpus: 'shop',
    senders: 8,
    rate: undefined,
    maxDisk: undefined,
    data: undefined,
    ask: true,
  })
})

it('is what is said', () => {
  const said = [
    '--minutes',
    '5',
    '--corpus',
    'market',
    '--rate',
    '3000',
    '--max-disk',
    '2GB',
    '--data',
    '/d',
    '--no-ask',
  ]
  expect(readSoakOptions([...said, '--senders', '1'])).toEqual({
    minutes: 5,
    corpus: 'market',
    senders: 1,
    rate: 3000,
    maxDisk: '2GB',
    data: '/d',
    ask: false,
  })
})

it.each([
  [['--minutes', '0'], /--minutes 0: not a number from 1 to 1440/],
  [['--rate', 'fast'], /--rate fast: not a number/],
  [['--corpus', 'bazaar'], /--corpus bazaar: one of shop, market/],
  [['--minute', '1'], /--minute/],
])('%j is refused', (args, message) => {
  expect(() => readSoakOptions(args)).toThrow(message)
})
