/** The queue in the ensemble's own process, and the port at which consumers find it. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { MemoryBroker } from './memory-broker.ts'
import type { Attached } from './memory-broker.ts'
import { readLines, writeLine } from './memory-lines.ts'
import type { FromConsumer } from './memory-lines.ts'
import { placeOf } from './queue.ts'
import type { Publisher } from './queue.ts'

/** Time that a consumer has at the end to take what is left, ms, and time between two looks. */
const DRAIN_MS = 3000
const LOOK_MS = 20

/** Listens. @throws When the port is taken. */
export async function openMemoryPublisher(url: string): Promise<Publisher & { readonly broker: MemoryBroker }> {
  const broker = new MemoryBroker()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let attached: Attached | undefined
    socket.on('error', () => undefined)
    socket.on('close', () => {
      sockets.delete(socket)
      attached?.detach()
    })
    readLines(socket, (text) => {
      const line = text as FromConsumer
      if ('how' in line) attached?.settle(line.tag, line.how)
      else
        attached ??= broker.attach(line.prefetch, ({ body, ...sent }) =>
          writeLine(socket, { ...sent, body: Buffer.from(body).toString('base64') }),
        )
    })
  })
  const place = placeOf(url)
  server.listen(place.port, place.host)
  await once(server, 'listening')
  const address = server.address()
  return {
    broker,
    place: { ...place, port: typeof address === 'object' && address ? address.port : place.port },
    publish: (message) => new Promise((resolve) => resolve(broker.publish(message))),
    close: async () => {
      // The queue ends with this process: whoever is there takes what is left.
      const deadline = Date.now() + DRAIN_MS
      while (broker.length > 0 && sockets.size > 0 && Date.now() < deadline) await sleep(LOOK_MS)
      if (broker.length > 0) console.error(`${broker.length} results are lost: nobody has taken them from the queue`)
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
