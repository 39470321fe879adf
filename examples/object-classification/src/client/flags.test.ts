import { describe, expect, it } from 'vitest'
import { readFlags } from './flags.ts'
import type { Flags } from './flags.ts'

const flags: Flags = {
  url: 'http://127.0.0.1:5010',
  rate: 1,
  ramp: 0,
  concurrency: 64,
  ds_path: 'image',
  page: 'http://127.0.0.1:16686',
  lookup: true,
  quiet: false,
  json: false,
}

describe('readFlags', () => {
  it('sends each photograph once, or so many as it is told, or without an end', () => {
    expect(readFlags(flags, 7).count).toBe(7)
    expect(readFlags({ ...flags, count: 20 }, 7).count).toBe(20)
    expect(readFlags({ ...flags, count: 0 }, 7).count).toBe(Infinity)
  })

  it.each([
    ['http://preprocessing:5010/preprocessing', 'http://preprocessing:5010/preprocessing'],
    ['http://preprocessing:5010/preprocessing/', 'http://preprocessing:5010/preprocessing'],
    ['http://127.0.0.1:5010', 'http://127.0.0.1:5010/preprocessing'],
    ['http://127.0.0.1:5010/', 'http://127.0.0.1:5010/preprocessing'],
    ['https://gateway.example/preprocessing-gateway', 'https://gateway.example/preprocessing-gateway'],
  ])('takes the service, or its route: %s', (url, expected) => {
    expect(readFlags({ ...flags, url }, 1).url).toBe(expected)
  })

  it.each([
    [{ url: '127.0.0.1:5010' }, '--url 127.0.0.1:5010: not a URL'],
    [{ rate: 0 }, '--rate 0:'],
    [{ rate: Number.NaN }, '--rate NaN:'],
    [{ ramp: -1 }, '--ramp -1:'],
    [{ concurrency: 0 }, '--concurrency 0:'],
    [{ concurrency: 1.5 }, '--concurrency 1.5:'],
    [{ count: -1 }, '--count -1:'],
    [{ seed: 0.5 }, '--seed 0.5:'],
  ])('refuses %o, naming the flag', (change, message) => {
    expect(() => readFlags({ ...flags, ...change }, 1)).toThrow(message)
  })
})
