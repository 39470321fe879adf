import { describe, expect, it } from 'vitest'
import { readOptions } from './options.ts'
import { defaultPeersFolder } from './peers/place.ts'

const names = ['scan', 'forward']

describe('the arguments of the bench', () => {
  it('may all be left out', () => {
    expect(readOptions([], names)).toEqual({
      only: undefined,
      quick: false,
      runs: undefined,
      write: false,
      json: undefined,
      peers: defaultPeersFolder(),
      store: { spans: 1_000_000, folder: undefined, fillOnly: false },
    })
  })

  it('are read', () => {
    const args = [
      '--only',
      'forward,scan',
      '--quick',
      '--runs',
      '7',
      '--peers',
      '/peers',
      '--spans',
      '10M',
      '--data',
      '/d',
    ]
    expect(readOptions(args, names)).toMatchObject({
      only: ['forward', 'scan'],
      quick: true,
      runs: 7,
      peers: '/peers',
      store: { spans: 10_000_000, folder: '/d' },
    })
  })

  it.each([
    [['--only', 'scan,nothing'], '--only nothing: there is no such section; there are scan, forward'],
    [['--write', '--only', 'scan'], '--write takes the results of a whole run: leave out --only'],
    [['--runs', '0'], '--runs 0: not a number from 1 to 100'],
    [['--spans', '1e6'], '--spans 1e6: not a number of spans, as 300k or 10M'],
    [['--fill'], '--fill needs a place: --data DIR'],
  ])('%j is refused', (args, message) => {
    expect(() => readOptions(args, names)).toThrow(message)
  })
})

it('the peers are in the cache folder that the system names', () => {
  expect(defaultPeersFolder({ XDG_CACHE_HOME: '/cache' })).toBe('/cache/spoor/peers')
  expect(defaultPeersFolder({ XDG_CACHE_HOME: '' })).toMatch(/\/\.cache\/spoor\/peers$/)
})
