import { describe, expect, it } from 'vitest'
import { StorageError } from '../../contract.ts'
import { StillClock } from './blocks.test.helper.ts'
import { QueryMemory } from './query-memory.ts'
import { Turn, Vanished } from './turn.ts'

describe('a part of a query', () => {
  it('gives its memory back, whatever becomes of it', async () => {
    const memory = new QueryMemory(100)
    const turn = new Turn(new StillClock(), Infinity, { memory })
    const failing = turn.withPart(async (part) => {
      expect(part.reserve(100)).toBe(true)
      throw new RangeError('it fails')
    })
    await expect(failing).rejects.toThrow('it fails')
    expect(memory.take(100)).toBe(true)
  })

  it('leaves what it has met: damage, files that are gone, and that there was no time for more', async () => {
    const damage = new StorageError('io', 'the disk is away')
    for (const error of [damage, new Vanished({ dropped: false }, 'it is gone')]) {
      const turn = new Turn(new StillClock(), Infinity)
      await turn.withPart(async (part) => {
        part.attempt(() => {
          throw error
        })
      })
      expect(turn).toMatchObject({ complete: false, stopped: false })
      expect(turn.damage).toBe(error === damage ? damage : undefined)
    }
    const clock = new StillClock()
    const turn = new Turn(clock, 10)
    await turn.withPart(async (part) => {
      clock.nowMs = 11
      expect(await part.breathe()).toBe(true)
    })
    expect(turn).toMatchObject({ complete: false, stopped: true })
  })

  it('looks at the clock as often as if it were none, and its bytes count once', async () => {
    const clock = new StillClock()
    let metered = 0
    clock.onTurn = () => (metered += 100)
    const turn = new Turn(clock, Infinity, { meter: () => metered })
    metered += 1
    turn.work(400_000)
    await turn.withPart(async (part) => {
      metered += 2
      expect(part.work(100_000)).toBe(true)
      clock.nowMs += 9
      await part.breathe()
      metered += 4
      part.work(400_000)
    })
    metered += 8
    expect(turn.work(100_000)).toBe(true)
    expect([clock.turns, turn.bytesRead]).toEqual([1, 15])
  })
})
