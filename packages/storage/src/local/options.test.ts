import { expect, it } from 'vitest'
import { settingsOf, type LocalStoreOptions } from './options.ts'

const MIB = 1 << 20

it('has the defaults for all that is not given, also for what is given as undefined', () => {
  const defaults = settingsOf({ directory: 'data' })
  expect(defaults).toEqual({
    directory: 'data',
    readOnly: false,
    seal: true,
    maxBytes: 10 * 1024 * MIB,
    maxAgeMs: Infinity,
    reserveBytes: undefined,
    segmentBytes: 256 * MIB,
    segmentAgeMs: Infinity,
    maxPendingBytes: 24 * MIB,
    cacheBytes: 24 * MIB,
    blockSpans: 8192,
    blockBytes: 4 * MIB,
    frameBytes: 256 * 1024,
  })
  expect(settingsOf({ directory: 'data', maxBytes: undefined, maxAgeMs: undefined } as never)).toEqual(defaults)
})

it('keeps nothing longer unless it is told what, and then a fifth at most, for ever', () => {
  expect(settingsOf({ directory: 'data' }).keep).toBeUndefined()
  expect(settingsOf({ directory: 'data', keep: { slowerThan: 99 } }).keep).toEqual({
    errors: false,
    slowerThan: 99,
    pinned: false,
    maxAgeMs: Infinity,
    share: 0.2,
  })
})

it('takes a limit of age for what is kept without one for all else', () => {
  expect(settingsOf({ directory: 'data', keep: { errors: true, maxAgeMs: 5000 } }).keep?.maxAgeMs).toBe(5000)
})

it('rolls segments by age only when a limit of age asks for it', () => {
  expect(settingsOf({ directory: 'data', maxAgeMs: 25 * 3_600_000 }).segmentAgeMs).toBe(3_600_000)
  expect(settingsOf({ directory: 'data', maxAgeMs: 5000 }).segmentAgeMs).toBe(1000)
  expect(settingsOf({ directory: 'data', maxAgeMs: 5000, segmentAgeMs: 2000 }).segmentAgeMs).toBe(2000)
})

it.for<[Partial<Record<keyof LocalStoreOptions, unknown>>, string]>([
  [{ directory: '' }, 'directory is ""; it must be a path'],
  [{ directory: undefined }, 'directory is undefined; it must be a path'],
  [{ maxBytes: 0 }, 'maxBytes is 0; it must be a number of bytes, 1 or more, or Infinity'],
  [{ maxBytes: -5 }, 'maxBytes is -5;'],
  [{ maxBytes: NaN }, 'maxBytes is NaN;'],
  [{ maxBytes: '50MB' }, 'maxBytes is "50MB";'],
  [{ maxAgeMs: 999 }, 'maxAgeMs is 999; it must be milliseconds, 1000 or more, or Infinity'],
  [{ reserveBytes: -1 }, 'reserveBytes is -1; it must be a number of bytes, 0 or more'],
  [{ reserveBytes: Infinity }, 'reserveBytes is Infinity;'],
  [{ segmentBytes: 0 }, 'segmentBytes is 0; it must be a number of bytes from 1 to 1073741824 (1 GiB)'],
  [{ segmentBytes: 2 ** 40 }, 'segmentBytes is 1099511627776;'],
  [{ segmentAgeMs: 0 }, 'segmentAgeMs is 0; it must be milliseconds, 1000 or more, or Infinity'],
  [{ maxPendingBytes: Infinity }, 'maxPendingBytes is Infinity;'],
  [{ keep: {} }, 'keep names nothing; it must have errors, slowerThan or pinned'],
  [{ keep: { errors: true }, seal: false }, 'keep is there and seal is false;'],
  [{ keep: { slowerThan: 100 } }, 'keep.slowerThan is 100; it must be a percentile, greater than 0 and less than 100'],
  [
    { keep: { errors: true, share: 0.6 } },
    'keep.share is 0.6; it must be a share of maxBytes, greater than 0 and at most',
  ],
  [
    { keep: { errors: true, maxAgeMs: 5000 }, maxAgeMs: 5000 },
    'keep.maxAgeMs is 5000; it must be more than maxAgeMs, 5000',
  ],
  [{ cacheBytes: 0 }, 'cacheBytes is 0; it must be a number of bytes, 1 or more'],
])('refuses %j by name', ([options, message]) => {
  expect(() => settingsOf({ directory: 'data', ...options } as LocalStoreOptions)).toThrow(
    expect.objectContaining({
      name: 'RangeError',
      message: expect.stringContaining(`openLocalStore: ${message}`) as string,
    }),
  )
})
