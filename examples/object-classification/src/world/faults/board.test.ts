import { describe, expect, it } from 'vitest'
import { FaultBoard } from './board.ts'
import type { Breakable } from './board.ts'
import { FAULTS } from './catalogue.ts'

const services = ['client', 'preprocessing', 'ensemble', 'inference-a', 'inference-b']

/** A board of a world that only writes down what is done to it. */
function board(links: readonly string[] = ['edge-cloud']): { board: FaultBoard; done: unknown[][] } {
  const done: unknown[][] = []
  const note =
    (what: string) =>
    (...more: unknown[]): void =>
      void done.push([what, ...more])
  const later =
    (what: string) =>
    async (...more: unknown[]): Promise<void> => {
      done.push([`${what} begins`, ...more])
      await Promise.resolve()
      done.push([what, ...more])
    }
  const world: Breakable = {
    services,
    links,
    tell: note('tell'),
    cut: note('cut'),
    delay: note('delay'),
    stop: later('stop'),
    start: later('start'),
  }
  return { board: new FaultBoard(world), done }
}

describe('FaultBoard', () => {
  it('tells a service all that is on inside it, with defaults for what is not given', async () => {
    const { board: one, done } = board()
    await one.switchOn('slow_model', 'inference-a', {})
    await one.switchOn('errors', 'inference-a', { percent: 50 })
    await one.switchOff('slow_model', 'inference-a')
    await one.switchOff('slow_model', 'inference-a')
    expect(done).toEqual([
      ['tell', 'inference-a', { slow_model: { ms: 600 } }],
      ['tell', 'inference-a', { slow_model: { ms: 600 }, errors: { percent: 50 } }],
      ['tell', 'inference-a', { errors: { percent: 50 } }],
    ])
    expect(one.on).toEqual([{ fault: 'errors', at: 'inference-a', parameters: { percent: 50 } }])
  })

  it('cuts and delays links, stops, starts and renames services, and takes it all back', async () => {
    const { board: one, done } = board()
    await one.switchOn('dropped_link', 'edge-cloud', {})
    await one.switchOn('slow_link', 'edge-cloud', { ms: 200 })
    await Promise.all([
      one.switchOn('service_down', 'inference-b', {}),
      one.switchOn('wrong_service_name', 'ensemble', {}),
    ])
    await one.clear()
    expect(one.on).toEqual([])
    // Nothing of it is inside a service.
    for (const [what, , faults] of done) if (what === 'tell') expect(faults).toEqual({})
    const without = done.filter(([what]) => what !== 'tell')
    expect(without).toEqual([
      ['cut', 'edge-cloud', true],
      ['delay', 'edge-cloud', 200],
      ['stop begins', 'inference-b'],
      ['stop', 'inference-b'],
      ['start begins', 'ensemble', 'inference-a', {}],
      ['start', 'ensemble', 'inference-a', {}],
      ['cut', 'edge-cloud', false],
      ['delay', 'edge-cloud', 0],
      ['start begins', 'inference-b', 'inference-b', {}],
      ['start', 'inference-b', 'inference-b', {}],
      ['start begins', 'ensemble', 'ensemble', {}],
      ['start', 'ensemble', 'ensemble', {}],
    ])
  })

  it('leaves a service down that is down, and starts it with all that is on', async () => {
    const { board: one, done } = board()
    await one.switchOn('service_down', 'inference-b', {})
    await one.switchOn('wrong_service_name', 'inference-b', {})
    await one.switchOn('slow_model', 'inference-b', { ms: 5 })
    done.length = 0
    await one.switchOff('service_down', 'inference-b')
    expect(done[0]).toEqual(['start begins', 'inference-b', 'preprocessing', { slow_model: { ms: 5 } }])
  })

  it.each([
    ['slow_modell', 'inference-a', {}, 'there is no fault slow_modell; there are slow_model,'],
    ['slow_model', 'ensemble', {}, 'slow_model cannot be at "ensemble"; it can be at inference-a, inference-b'],
    ['slow_model', 'inference-a', { ms: 0 }, 'slow_model: ms 0: 1 to 60000 (ms more)'],
    ['slow_model', 'inference-a', { ms: 'long' }, 'slow_model: ms long: 1 to 60000'],
    ['slow_model', 'inference-a', { s: 1 }, 'slow_model cannot be told s; it can be told ms'],
    ['constructor', 'inference-a', {}, 'there is no fault constructor'],
  ])('refuses %s at %s with %o', async (fault, at, parameters, message) => {
    const { board: one, done } = board()
    await expect(one.switchOn(fault, at, parameters)).rejects.toThrow(message)
    expect(done).toEqual([])
  })

  it('says that a world without links has none to cut', async () => {
    await expect(board([]).board.switchOn('dropped_link', 'edge-cloud', {})).rejects.toThrow('start it with --world')
  })

  it('has defaults that may be', () => {
    for (const [name, { parameters }] of Object.entries(FAULTS))
      for (const [key, { default: usual, min, max }] of Object.entries(parameters))
        expect(usual >= min && usual <= max, `${name}.${key}`).toBe(true)
  })
})
