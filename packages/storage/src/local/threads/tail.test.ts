import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import { StorageError } from '../../contract.ts'
import { withStore } from '../../conformance/harness.ts'
import { settingsOf } from '../options.ts'
import type { Host } from '../runtime.ts'
import type { Call, ToReader } from './protocol.ts'
import { ReaderClient } from './reader-client.ts'
import { openInSameThread } from './same-thread.test.helper.ts'
import { threadHost } from './thread-host.ts'

it('leaves nothing behind at the signal, however often it looks', async () => {
  await withStore(
    (directory) => openInSameThread({ directory }),
    async (store) => {
      const { signal } = new AbortController()
      const events = store.tail({ everyMs: 10, signal })[Symbol.asyncIterator]()
      for (let look = 0; look < 20; look++) expect((await events.next()).done).toBe(false)
      expect(getEventListeners(signal, 'abort').length).toBeLessThan(3)
      await events.return?.()
    },
  )
})

it('looks beside searches that are at work, and not behind them', async () => {
  const asked: Call[] = []
  const stopped = Promise.withResolvers<string>()
  const host: Host = {
    ...threadHost,
    // A reader that is asked and does not answer.
    start: () => ({
      port: {
        post: (message) => {
          const sent = message as unknown as ToReader
          if (sent.type === 'call') asked.push(sent.call)
        },
        onMessage() {},
        receive: () => undefined,
        close() {},
      },
      ended: stopped.promise,
      terminate: () => stopped.resolve('it was told to'),
    }),
  }
  const none = (): undefined => undefined
  const client = new ReaderClient('search_reader', host, settingsOf({ directory: '/nowhere' }), none, none, none)
  client.start()
  const { signal } = new AbortController()
  const search = (): Promise<unknown> => client.call({ method: 'search', query: {} }, { signal }).catch(none)
  const look = (): Promise<unknown> =>
    client.call({ method: 'arrivals', query: {}, position: undefined }, { signal }).catch(none)
  const calls = [...Array.from({ length: 6 }, search), look(), look()]
  const methods = ['search', 'search', 'search', 'search', 'arrivals', 'arrivals']
  expect(asked.map(({ method }) => method)).toEqual(methods)
  client.fail(new StorageError('closed', 'the test is over'))
  await client.stop()
  await Promise.all(calls)
})
