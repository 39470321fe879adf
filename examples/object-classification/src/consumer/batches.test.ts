import { describe, expect, it, vi } from 'vitest'
import { Batches } from './batches.ts'

/** Batches whose handling ends when it is told to. */
function batches(size: number, waitMs: number) {
  const handled: number[][] = []
  const ends: (() => void)[] = []
  const made = new Batches<number>({
    size,
    waitMs,
    handle: (batch) => {
      handled.push([...batch])
      return new Promise((resolve) => ends.push(resolve))
    },
  })
  return { made, handled, end: () => ends.shift()?.() }
}

describe('Batches', () => {
  it('begins with a full one at once, and takes what has come meanwhile together', async () => {
    const { made, handled, end } = batches(2, 2 ** 30)
    for (const one of [1, 2, 3, 4, 5]) made.add(one)
    expect(handled).toEqual([[1, 2]])
    end()
    await vi.waitFor(
      () =>
        expect(handled).toEqual([
          [1, 2],
          [3, 4],
        ]),
      20_000,
    )
    end()
    await vi.waitFor(() => expect(handled).toEqual([[1, 2], [3, 4], [5]]), 20_000)
    end()
    await made.close()
  })

  it('does not wait for others for ever', async () => {
    const { made, handled, end } = batches(10, 1)
    made.add(1)
    await vi.waitFor(() => expect(handled).toEqual([[1]]), 20_000)
    end()
    await made.close()
  })

  it('at its end finishes what it handles, and leaves what waits', async () => {
    const { made, handled, end } = batches(1, 0)
    for (const one of [1, 2]) made.add(one)
    const closed = made.close()
    end()
    await closed
    made.add(3)
    expect(handled).toEqual([[1]])
  })
})
