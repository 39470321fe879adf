import { describe, expect, test } from 'vitest'
import { createPartitioners, murmur2, saramaHash } from './partitioner.ts'

describe('hashes of keys', () => {
  // Of Kafka's own producer: the values of its UtilsTest.
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('murmur2 of %s', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash)
  })

  // FNV-1a's published values, as signed numbers without their sign.
  test.each([
    ['', Math.abs(0x811c9dc5 | 0)],
    ['a', Math.abs(0xe40c292c | 0)],
    ['foobar', Math.abs(0xbf9cf968 | 0)],
  ])('sarama_compat of "%s"', (key, hash) => {
    expect(saramaHash(Buffer.from(key))).toBe(hash)
  })
})

test('one key has one partition in all requests, and no key another in each', () => {
  const next = createPartitioners({ sticky_key: { hasher: 'sarama_compat' } })
  const [one, other] = [next(), next()]
  const key = Buffer.from('trace')
  expect(one(key)).toBe(other(key))
  expect(one(undefined)).toBe(one(undefined))
  expect(other(undefined)).toBe(one(undefined) + 1)
})

test('round_robin goes to each in turn, whatever the key', () => {
  const partition = createPartitioners({ round_robin: {} })()
  const first = partition(Buffer.from('a'))
  expect([partition(Buffer.from('a')), partition(undefined)]).toEqual([first + 1, first + 2])
})
