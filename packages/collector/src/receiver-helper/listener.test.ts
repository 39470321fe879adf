import { once } from 'node:events'
import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { listen, type Listener } from './listener.ts'

/** A listener that says its name to whoever comes. */
async function start(name: string, endpoint: string): Promise<Listener> {
  const listener = await listen({ endpoint, network: 'tcp' }, undefined, {
    http1: (socket) => socket.end(name),
    http2: (socket) => socket.destroy(),
    tlsWithoutConfig: () => {},
  })
  onTestFinished(() => {
    listener.stop()
    listener.destroy()
  })
  return listener
}

/** Who answers there; or what goes wrong. */
async function ask(port: number): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (data) => (text += data.toString()))
  socket.on('error', (error: NodeJS.ErrnoException) => (text = error.code ?? ''))
  socket.write('x')
  await closed(socket)
  return text
}

const closed = (socket: net.Socket) => new Promise((resolve) => socket.once('close', resolve))

const portOf = ({ address }: Listener): number => Number(address.split(':')[1])

test('what comes to a port that is left to a successor waits for that one', async () => {
  const before = await start('before', '127.0.0.1:0')
  const endpoint = '127.0.0.1:0'
  before.yield()
  const early = ask(portOf(before))
  const after = await start('after', endpoint)
  expect(after.address).toBe(before.address)
  expect(await early).toBe('after')
  before.stop()
  expect(await ask(portOf(after))).toBe('after')
})

test('what a successor leaves is not given up by whoever had it before', async () => {
  const first = await start('first', '127.0.0.1:0')
  first.yield()
  const second = await start('second', '127.0.0.1:0')
  second.yield()
  const early = ask(portOf(first))
  first.stop()
  await start('third', '127.0.0.1:0')
  second.stop()
  expect(await early).toBe('third')
})

test('a port that nobody takes over is given up', async () => {
  const listener = await start('one', '127.0.0.1:0')
  listener.yield()
  const early = net.connect(portOf(listener), '127.0.0.1').on('error', () => {})
  await once(early, 'connect')
  listener.stop()
  await closed(early)
  expect(await ask(portOf(listener))).toBe('ECONNREFUSED')
})

test('a successor at another address has the port, too', async () => {
  const before = await start('before', '127.0.0.1:0')
  before.yield()
  const after = await start('after', `0.0.0.0:${portOf(before)}`)
  expect(await ask(portOf(after))).toBe('after')
})
