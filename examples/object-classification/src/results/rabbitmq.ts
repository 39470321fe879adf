/** The queue in RabbitMQ. */
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'amqplib'
import type { Channel, ChannelModel, ConfirmChannel, ConsumeMessage } from 'amqplib'
import { DEAD_LETTERS, placeOf, QUEUE, QUEUE_LIMIT } from './queue.ts'
import type { Connection, Delivery, Publisher, SubscribeOptions } from './queue.ts'

/** Time without a sign of life after which a connection is given up, s. */
const HEARTBEAT_S = 10
/** For how long a message waits for a RabbitMQ that is not reached, as one that is still starting, and the pause between two attempts, ms. */
const PATIENCE_MS = 15_000
const REACH_AGAIN_MS = 500

/**
 * A sender with confirmations. It connects with the first message, and again with the next one after it has lost its
 * connection; messages wait some seconds for that.
 */
export function openRabbitPublisher(url: string): Publisher {
  let opening: Promise<{ model: ChannelModel; channel: ConfirmChannel }> | undefined
  const open = async (): Promise<{ model: ChannelModel; channel: ConfirmChannel }> => {
    const model = await connect(withHeartbeat(url))
    // Whoever publishes hears of it.
    model.on('error', () => undefined)
    model.on('close', () => (opening = undefined))
    try {
      const channel = await model.createConfirmChannel()
      channel.on('error', () => undefined)
      channel.on('close', () => (opening = undefined))
      await declare(channel)
      return { model, channel }
    } catch (error) {
      await model.close().catch(() => undefined)
      throw error
    }
  }
  let closed = false
  const channelOf = async (): Promise<ConfirmChannel> => {
    const until = performance.now() + PATIENCE_MS
    for (;;) {
      opening ??= open()
      try {
        return (await opening).channel
      } catch (error) {
        opening = undefined
        if (closed || performance.now() > until) throw error
        await sleep(REACH_AGAIN_MS)
      }
    }
  }
  return {
    place: placeOf(url),
    publish: async ({ id, headers, body }) => {
      const channel = await channelOf()
      await new Promise<void>((resolve, reject) => {
        const options = { messageId: id, headers, persistent: true, contentType: 'application/json' }
        channel.sendToQueue(QUEUE, Buffer.from(body), options, (error: unknown) => {
          if (error) reject(new Error(`RabbitMQ has not taken it: ${reasonOf(error)}`))
          else resolve()
        })
      })
    },
    close: async () => {
      closed = true
      const { model } = (await opening?.catch(() => undefined)) ?? {}
      await model?.close().catch(() => undefined)
    },
  }
}

/** Consumes. @throws When RabbitMQ is not there. */
export async function connectRabbit(url: string, { prefetch, onDelivery }: SubscribeOptions): Promise<Connection> {
  const model = await connect(withHeartbeat(url))
  const ended = new Promise<void>((resolve) => {
    model.once('close', () => resolve())
  })
  model.on('error', () => undefined)
  const close = async (): Promise<void> => {
    await model.close().catch(() => undefined)
    await ended
  }
  try {
    const channel = await model.createChannel()
    // A channel that is closed from the other side takes its connection with it, and a new one begins.
    channel.on('error', () => undefined)
    channel.on('close', () => void close())
    await declare(channel)
    await channel.prefetch(prefetch)
    await channel.consume(QUEUE, (message) => {
      if (message) onDelivery(deliveryOf(channel, message))
      else void close()
    })
  } catch (error) {
    await close()
    throw error
  }
  return { ended, close }
}

function withHeartbeat(url: string): string {
  const parsed = new URL(url)
  parsed.searchParams.set('heartbeat', String(HEARTBEAT_S))
  return parsed.href
}

/** Quorum queues count deliveries, which says which one it is; a full one refuses what comes, as the sender is to know. */
async function declare(channel: Channel): Promise<void> {
  await channel.assertQueue(DEAD_LETTERS, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  await channel.assertQueue(QUEUE, {
    durable: true,
    arguments: {
      'x-queue-type': 'quorum',
      'x-max-length': QUEUE_LIMIT,
      'x-overflow': 'reject-publish',
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': DEAD_LETTERS,
    },
  })
}

function deliveryOf(channel: Channel, message: ConsumeMessage): Delivery {
  const { headers = {}, messageId } = message.properties
  const again = Number(headers['x-delivery-count'] ?? 0)
  // On a channel that is closed nothing can be settled: RabbitMQ delivers it again.
  const settle = (how: () => void) => (): void => {
    try {
      how()
    } catch {
      // As said.
    }
  }
  return {
    id: String(messageId ?? ''),
    headers: Object.fromEntries(
      Object.entries(headers).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
    ),
    body: message.content,
    attempt: again + 1,
    ack: settle(() => channel.ack(message)),
    again: settle(() => channel.nack(message, false, true)),
    bury: settle(() => channel.nack(message, false, false)),
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : 'it was refused'
}
