/** A consumer at a queue in another process's memory. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { readLines, writeLine } from './memory-lines.ts'
import type { ToConsumer } from './memory-lines.ts'
import type { Settlement } from './memory-broker.ts'
import { placeOf } from './queue.ts'
import type { Connection, SubscribeOptions } from './queue.ts'

/** @throws When nobody listens. */
export async function connectMemory(url: string, { prefetch, onDelivery }: SubscribeOptions): Promise<Connection> {
  const { host, port } = placeOf(url)
  const socket = connect({ host, port, noDelay: true })
  const ended = new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
  })
  await once(socket, 'connect')
  // Told by `close`.
  socket.on('error', () => undefined)
  readLines(socket, (line) => {
    const { tag, body, ...message } = line as ToConsumer
    const settle = (how: Settlement) => (): void => writeLine(socket, { tag, how })
    const own = { ack: settle('ack'), again: settle('again'), bury: settle('bury') }
    onDelivery({ ...message, ...own, body: Buffer.from(body, 'base64') })
  })
  writeLine(socket, { prefetch })
  return {
    ended,
    close: async () => {
      // What is written is sent first: acknowledgements.
      socket.end()
      await ended
    },
  }
}
