import { parseGoDuration } from '@spoor/otlp'
import { describe, expect, it } from 'vitest'
import { shortDuration } from './duration-text.ts'

describe('shortDuration', () => {
  it('has two digits, away from what it includes', () => {
    expect(shortDuration(143.2e6, 'down')).toBe('140ms')
    expect(shortDuration(143.2e6, 'up')).toBe('150ms')
  })

  it.each([0.3, 1, 7.5, 999, 1_234_567, 9.99e9, 3.7e12])('keeps %d ns inside', (ns) => {
    expect(parseGoDuration(shortDuration(ns, 'down'))).toBeLessThanOrEqual(ns)
    expect(parseGoDuration(shortDuration(ns, 'up'))).toBeGreaterThanOrEqual(ns)
  })
})
