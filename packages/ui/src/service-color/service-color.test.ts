import { describe, expect, it } from 'vitest'
import { createServiceColors, hueCount, hueOf, initialsOf, type Keeper, slotCount, stepOf } from './service-color.ts'

const circleDistance = (a: number, b: number) => {
  const direct = Math.abs((a % hueCount) - (b % hueCount))
  return Math.min(direct, hueCount - direct)
}

function keeper(text: string | null = null): Keeper & { text: string | null } {
  return {
    text,
    read() {
      return this.text
    },
    write(next) {
      this.text = next
    },
  }
}

const names = (count: number) => Array.from({ length: count }, (_, index) => `service-${index}`)

describe('hueOf', () => {
  it('keeps clear of the red of errors', () => {
    for (let slot = 0; slot < slotCount; slot++) {
      expect(hueOf(slot)).toBeGreaterThan(45)
      expect(hueOf(slot)).toBeLessThan(355)
    }
  })
})

describe('createServiceColors', () => {
  it('tells forty services apart, the first twenty by their hue', () => {
    const colors = createServiceColors(keeper())
    const slots = names(40).map((name) => colors.slotOf(name))
    expect(new Set(slots).size).toBe(40)
    expect(new Set(slots.slice(0, 20).map(hueOf)).size).toBe(20)
    expect(new Set(slots.map((slot) => `${hueOf(slot)} ${stepOf(slot)}`)).size).toBe(40)
  })

  it('keeps few services two hues apart', () => {
    const colors = createServiceColors(keeper())
    const slots = names(5).map((name) => colors.slotOf(name))
    slots.forEach((a, index) => {
      for (const b of slots.slice(index + 1)) expect(circleDistance(a, b)).toBeGreaterThanOrEqual(2)
    })
  })

  it('does not change what a service has, whoever comes, on the next visit or in another tab', () => {
    const kept = keeper()
    const colors = createServiceColors(kept)
    const before = colors.slotOf('checkout')
    const tab = createServiceColors(kept)
    const there = names(60).map((name) => tab.slotOf(name))
    expect(tab.slotOf('checkout')).toBe(before)
    expect(colors.slotOf('checkout')).toBe(before)
    expect(names(30).map((name) => colors.slotOf(name))).toEqual(there.slice(0, 30))
    const again = createServiceColors(kept)
    expect(names(30).map((name) => again.slotOf(name))).toEqual(there.slice(0, 30))
  })

  it('gives the forty-first its own, and does not keep it', () => {
    const kept = keeper()
    const colors = createServiceColors(kept)
    for (const name of names(40)) colors.slotOf(name)
    const text = kept.text
    expect(colors.slotOf('late')).toBe(createServiceColors(kept).slotOf('late'))
    expect(kept.text).toBe(text)
  })

  it('begins anew where what was kept cannot be read', () => {
    for (const text of ['', '{', '7', '[1, {}, null]']) {
      expect(createServiceColors(keeper(text)).slotOf('a')).toBe(createServiceColors(keeper()).slotOf('a'))
    }
  })
})

describe('initialsOf', () => {
  it.each([
    ['ensemble', 'en'],
    ['object-detection', 'od'],
    ['paymentService', 'ps'],
    ['', '?'],
    ['x', 'x'],
  ])('%s -> %s', (name, initials) => expect(initialsOf(name)).toBe(initials))
})
