import { expect, it } from 'vitest'
import { withStore, type OpenStore } from './harness.ts'
import { batchOf, sent, traceId } from './spans.ts'

/** Which traces are pinned; what that keeps is the engine's. */
export function pinning(open: OpenStore): void {
  it('pins traces and takes the pins again, or says that it keeps nothing for them', async () => {
    await withStore(open, async (store, directory) => {
      await store.append(batchOf(sent({ trace: 1, id: 1 })))
      expect(await store.pins()).toEqual([])
      expect(await store.unpin(traceId(1))).toBe(false)
      await expect(store.pin('1')).rejects.toMatchObject({ code: 'bad_query' })
      if (!store.capabilities.pins) {
        await expect(store.pin(traceId(1))).rejects.toMatchObject({ code: 'bad_query' })
        return
      }
      const first = await store.pin(traceId(1))
      expect(first.traceId).toBe(traceId(1))
      // Be it stored or not; and once more changes nothing.
      const second = await store.pin(traceId(2))
      expect(await store.pin(traceId(1))).toEqual(first)
      expect(await store.pins()).toEqual([second, first])
      expect([await store.unpin(traceId(2)), await store.unpin(traceId(2))]).toEqual([true, false])
      await store.close()
      await expect(store.pins()).rejects.toMatchObject({ code: 'closed' })
      await expect(store.pin(traceId(3))).rejects.toMatchObject({ code: 'closed' })
      const again = await open(directory)
      expect(await again.pins()).toEqual([first])
      await again.close()
    })
  })
}
