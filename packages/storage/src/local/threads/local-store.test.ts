import { describe, expect, it } from 'vitest'
import { withStore } from '../../conformance/harness.ts'
import { traceStoreConformance } from '../../conformance/index.ts'
import { pinning } from '../../conformance/pins.ts'
import { batchOf, sent, traceId } from '../../conformance/spans.ts'
import { openLocalStore } from './local-store.ts'
import { openInSameThread } from './same-thread.test.helper.ts'

// On threads of its own it passes the suite as well: an end-to-end test runs it on the installed package. Here it would take three times as long.
traceStoreConformance('the local engine', (directory) => openInSameThread({ directory }))
describe('the local engine that keeps what is pinned', () =>
  pinning((directory) => openInSameThread({ directory, keep: { pinned: true } })))

it('closes the stream of a trace that nobody reads to its end', async () => {
  await withStore(
    (directory) => openLocalStore({ directory }),
    async (store) => {
      await store.append(batchOf(sent({ trace: 1, id: 1 })))
      // A reader keeps 1,024 of them.
      for (let i = 0; i < 1100; i++) {
        const chunks = store.trace(traceId(1))[Symbol.asyncIterator]()
        expect((await chunks.next()).done).toBe(false)
        await chunks.return?.()
      }
    },
  )
})
