/**
 * A TCP relay on a link: who connects to it is connected to the target, and what both say takes its time over the link.
 * TCP hides packets, so nothing can be lost here: a loss is what it looks like from above, a stall or a reset.
 */
import { EventEmitter, once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { Exchange } from './hops.ts'
import type { Link, Pipe } from './link.ts'

const HOST = '127.0.0.1'
/** Bytes of one direction of a connection that are under way; its sender waits beyond that. */
const MOST_UNDER_WAY = 4 * 1024 * 1024

/** A relay that listens. */
export interface Relay {
  readonly port: number
  close(): Promise<void>
}

/** What a relay is, for {@link startRelay}. */
export interface RelayOptions {
  readonly link: Link
  /** Which of the link's sites connects. */
  readonly from: 0 | 1
  /** Where what arrives is handed on to. */
  readonly targetPort: number
  /** Default 127.0.0.1. */
  readonly targetHost?: string
  /** What it listens on. Default 127.0.0.1. */
  readonly listen?: string
  /** Watches the requests of a connection; default: nobody does. */
  readonly watch?: () => Exchange
  /** Numbers of 0 up to 1. Default `Math.random`. */
  readonly random?: () => number
}

/** Listens on a free port. */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): Socket => {
    sockets.add(socket.setNoDelay())
    return socket.once('close', () => sockets.delete(socket))
  }
  const server: Server = createServer({ allowHalfOpen: true }, (near) => {
    void join(keep(near), options, keep)
  })
  server.listen(0, options.listen ?? HOST)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      // Their ends are part of it: what was seen is told then.
      const ended = [once(server, 'close'), ...[...sockets].map((socket) => first([socket, 'close']))]
      server.close()
      for (const socket of sockets) socket.destroy()
      await Promise.all(ended)
    },
  }
}

/** Connects to the target, once the link is whole, and relays both ways until both have ended. */
async function join(near: Socket, options: RelayOptions, keep: (socket: Socket) => Socket): Promise<void> {
  const { link, from, targetPort, targetHost = HOST, watch, random = Math.random } = options
  // Errors end in 'close', which is what counts.
  near.on('error', () => undefined)
  // The handshake: one way there, one way back, before the first byte can leave.
  const ready = performance.now() + 2 * link.conditions.latencyMs
  while (!link.isUp && !near.destroyed) await first([link, 'up'], [near, 'close'])
  if (near.destroyed) return
  const far = keep(connect({ port: targetPort, host: targetHost, allowHalfOpen: true }))
  far.on('error', () => undefined)
  const exchange = watch?.()
  const reset = (): void => {
    near.resetAndDestroy()
    far.resetAndDestroy()
  }
  const shared = { link, random, reset, exchange }
  void relay(near, far, { ...shared, pipe: link.pipes[from], ready, way: 'request' })
  void relay(far, near, { ...shared, pipe: link.pipes[from === 0 ? 1 : 0], ready: 0, way: 'response' })
  near.once('close', () => exchange?.end())
}

interface Way {
  readonly link: Link
  readonly pipe: Pipe
  readonly way: 'request' | 'response'
  readonly exchange: Exchange | undefined
  /** No byte leaves before; ms of `performance.now()`. */
  readonly ready: number
  readonly random: () => number
  readonly reset: () => void
}

/** Moves what `source` says to `target`, in order, each piece when it has arrived. */
async function relay(source: Socket, target: Socket, options: Way): Promise<void> {
  const { link, pipe, way, exchange, ready, random, reset } = options
  // TCP keeps the order: what follows a piece that is late waits behind it.
  const underWay: { piece: Buffer | undefined; at: number }[] = []
  let bytes = 0
  const news = new EventEmitter()
  const take = (piece: Buffer | undefined): void => {
    const now = performance.now()
    const passage = pipe.send(Math.max(now, ready), piece?.length ?? 0, link.conditions, random)
    if (piece && passage.reset) {
      reset()
      return
    }
    if (piece) exchange?.left(way, piece, passage.stalled)
    underWay.push({ piece, at: passage.at })
    bytes += piece?.length ?? 0
    if (bytes > MOST_UNDER_WAY) source.pause()
    news.emit('news')
  }
  source.on('data', take)
  source.once('end', () => take(undefined))
  // A connection that breaks, breaks on the other side, too; one that has ended in order has said so.
  source.once('close', (broken) => {
    if (broken || !source.readableEnded) target.destroy()
    news.emit('news')
  })
  while (!target.destroyed) {
    const [next] = underWay
    const wait = next && next.at - performance.now()
    if (wait === undefined || !link.isUp || wait > 0) {
      const timer = wait !== undefined && wait > 0 ? setTimeout(() => news.emit('news'), wait) : undefined
      await first([news, 'news'], [target, 'close'], [link, 'up'])
      clearTimeout(timer)
      continue
    }
    underWay.shift()
    if (!next?.piece) {
      target.end()
      return
    }
    bytes -= next.piece.length
    if (bytes <= MOST_UNDER_WAY / 2 && source.isPaused()) source.resume()
    exchange?.arrived(way, next.piece.length)
    if (!target.write(next.piece)) await first([target, 'drain'], [target, 'close'])
  }
}

/** Resolves with the first of the events, whichever it is. */
async function first(...events: readonly (readonly [emitter: EventEmitter, event: string])[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  for (const [emitter, event] of events) emitter.once(event, resolve)
  await promise
  for (const [emitter, event] of events) emitter.off(event, resolve)
}
