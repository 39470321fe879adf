import { describe, expect, it } from 'vitest'
import { assignSlots, hueCount, hueOf, initialsOf, slotOf, slotsTogether } from './service-color.ts'

const circleDistance = (a: number, b: number) => Math.min(Math.abs(a - b), hueCount - Math.abs(a - b))

describe('slotOf', () => {
  it('gives the same slot for the same name, and uses the circle', () => {
    expect(slotOf('checkout')).toBe(slotOf('checkout'))
    const used = new Set(Array.from({ length: 400 }, (_, index) => slotOf(`service-${index}`)))
    expect(used.size).toBe(hueCount)
  })
})

describe('hueOf', () => {
  it('keeps clear of the red of errors', () => {
    for (let slot = 0; slot < hueCount; slot++) {
      expect(hueOf(slot)).toBeGreaterThan(45)
      expect(hueOf(slot)).toBeLessThan(355)
    }
  })
})

describe('assignSlots', () => {
  it('leaves a lone service its own slot', () => {
    expect([...assignSlots(['checkout'], [])]).toEqual([slotOf('checkout')])
  })

  it('gives twenty services twenty slots', () => {
    const services = Array.from({ length: 20 }, (_, index) => `service-${index}`)
    expect(new Set(assignSlots(services, [])).size).toBe(20)
  })

  it('keeps services apart that call each other, however many there are', () => {
    const services = Array.from({ length: 60 }, (_, index) => `s${index}`)
    const pairs = services.slice(1).map((_, index): [number, number] => [index, index + 1])
    const slots = assignSlots(services, pairs)
    for (const [a, b] of pairs) expect(circleDistance(slots[a]!, slots[b]!)).toBeGreaterThanOrEqual(2)
  })

  it('does not change what an earlier service has when another is added', () => {
    const before = assignSlots(['a', 'b', 'c'], [[0, 1]])
    const after = assignSlots(['a', 'b', 'c', 'd'], [[0, 1]])
    expect(after.slice(0, 3)).toEqual(before)
  })
})

describe('slotsTogether', () => {
  it('keeps few services apart, in whatever order they come', () => {
    const names = ['client', 'preprocessing', 'ensemble', 'inference-mobilenet', 'inference-inception']
    const slots = slotsTogether(names)
    expect(slotsTogether(names.toReversed())).toEqual(slots)
    const values = [...slots.values()]
    values.forEach((a, index) => {
      for (const b of values.slice(index + 1)) expect(circleDistance(a, b)).toBeGreaterThanOrEqual(2)
    })
  })

  it('leaves many their own', () => {
    const names = Array.from({ length: 9 }, (_, index) => `s${index}`)
    for (const [name, slot] of slotsTogether(names)) expect(slot).toBe(slotOf(name))
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
