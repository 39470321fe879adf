import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openMemoryPublisher } from '../results/memory-server.ts'
import { writeResult } from '../results/message.ts'
import { SENT_AT } from '../results/message.ts'
import { setFaults } from '../service/faults.ts'
import type { Running } from '../service/serve.ts'
import { startConsumer } from './service.ts'

/** A new database is made first, of low priority. */
const TIMEOUT_MS = 240_000

let directory = ''
let publisher: Awaited<ReturnType<typeof openMemoryPublisher>>
let queue = ''

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consumer-'))
  publisher = await openMemoryPublisher('memory://127.0.0.1:0')
  queue = `memory://127.0.0.1:${publisher.place.port}`
})
afterAll(async () => {
  setFaults({})
  await publisher.close()
  await rm(directory, { recursive: true })
})

function send(requestId: string, label: string): Promise<void> {
  const body = writeResult({
    requestId,
    index: 0,
    label,
    probability: 0.5,
    top: [],
    votes: [{ model: 'a', index: 0, label: "o'clock", probability: 0.5 }],
    failed: [],
  })
  return publisher.publish({ id: requestId, headers: { [SENT_AT]: '1000' }, body })
}

const start = (): Promise<Running> =>
  startConsumer({
    port: 0,
    queue,
    database: `pglite:${join(directory, 'database')}`,
    onFailure: (error) => {
      throw error
    },
  })

async function get(url: string): Promise<Record<string, unknown>> {
  return (await (await fetch(url)).json()) as Record<string, unknown>
}

describe('the consumer', () => {
  it(
    'stores what waits in the queue in PGlite, once, puts aside what cannot be stored, and finds it again',
    { timeout: TIMEOUT_MS },
    async () => {
      await send('one', 'cat')
      const first = await start()
      try {
        expect(await get(`${first.url}/health`)).toMatchObject({ status: 'ok' })
        // The same message a second time, and one with a byte that no text of PostgreSQL has.
        await send('one', 'dog')
        await send('bad', 'dog\0')
        const settled = { database: 'open', queue: 'connected', stored: 2, again: 3, buried: 1 }
        await vi.waitFor(async () => expect(await get(`${first.url}/health`)).toMatchObject(settled), {
          timeout: TIMEOUT_MS,
          interval: 200,
        })
        expect([publisher.broker.length, publisher.broker.dead]).toEqual([0, 1])
      } finally {
        await first.stop()
      }
      // Another one, on the same folder and the same queue.
      const second = await start()
      try {
        await send('two', 'lake')
        await vi.waitFor(async () => expect(await get(`${second.url}/health`)).toMatchObject({ stored: 1 }), {
          timeout: TIMEOUT_MS,
          interval: 200,
        })
        expect(await get(`${second.url}/classifications?limit=2`)).toMatchObject({
          classifications: [
            { request_id: 'two', label: 'lake', probability: 0.5, sent_at: '1970-01-01T00:00:01.000Z' },
            { request_id: 'one', label: 'cat', votes: [{ model: 'a', label: "o'clock", probability: 0.5 }] },
          ],
        })
      } finally {
        await second.stop()
      }
    },
  )
})
