/** The queue of results between the ensemble and its consumer, whatever it is made of. */

/** The queue's name, and that of where messages end that nobody can handle. */
export const QUEUE = 'results'
export const DEAD_LETTERS = 'results.dead'
/** Messages that may wait; more are refused, so that whoever sends hears of it. */
export const QUEUE_LIMIT = 10_000

/** Where a queue is, for spans. */
export interface QueuePlace {
  /** `messaging.system`: `rabbitmq`, or `memory` for the one in the ensemble's process. */
  readonly system: 'rabbitmq' | 'memory'
  readonly host: string
  readonly port: number
}

/** A message, as it is sent. */
export interface Message {
  readonly id: string
  /** The sender's context among them. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** A message, as it comes to a consumer. It is to be settled once, in one of three ways. */
export interface Delivery extends Message {
  /** 1 for the first time. */
  readonly attempt: number
  /** It is done. */
  ack(): void
  /** It is delivered again. */
  again(): void
  /** It goes to the dead letters. */
  bury(): void
}

/** Sends. */
export interface Publisher {
  readonly place: QueuePlace
  /** Resolves when the queue has it. @throws When it cannot be had, or the queue is full. */
  publish(message: Message): Promise<void>
  close(): Promise<void>
}

/** A consumer at the queue. */
export interface Subscription {
  readonly place: QueuePlace
  readonly connected: boolean
  /** Ends it; what is not settled is delivered again to who comes next. */
  close(): Promise<void>
}

/** How a consumer takes messages. */
export interface SubscribeOptions {
  /** The most that are out at once without being settled. */
  readonly prefetch: number
  readonly onDelivery: (delivery: Delivery) => void
}

/** Time between two attempts to reach a queue, ms. */
const RETRY_MS = 500

/** What `--queue` says: `amqp://…`, or `memory://host:port`. @throws For another form. */
export function queueKind(url: string): 'rabbitmq' | 'memory' {
  const { protocol } = parse(url)
  if (protocol === 'amqp:' || protocol === 'amqps:') return 'rabbitmq'
  if (protocol === 'memory:') return 'memory'
  throw new Error(`queue ${url}: write amqp://host:port of RabbitMQ, or memory://127.0.0.1:port`)
}

/** The host and port of the URL. */
export function placeOf(url: string): QueuePlace {
  const { hostname, port } = parse(url)
  return { system: queueKind(url), host: hostname, port: Number(port || 5672) }
}

function parse(url: string): URL {
  if (URL.canParse(url)) return new URL(url)
  throw new Error(`queue ${url}: not a URL`)
}

/** A sender: to RabbitMQ, or to a queue that lives in this process and is served at the URL's port. */
export async function openPublisher(url: string): Promise<Publisher> {
  // Loaded where it is used: without a queue the ensemble needs neither.
  if (queueKind(url) === 'rabbitmq') return (await import('./rabbitmq.ts')).openRabbitPublisher(url)
  return (await import('./memory-server.ts')).openMemoryPublisher(url)
}

/** A consumer, which comes back when it loses its queue, and waits for one that is not there yet. */
export async function subscribe(url: string, options: SubscribeOptions): Promise<Subscription> {
  const place = placeOf(url)
  const connect =
    place.system === 'rabbitmq'
      ? (await import('./rabbitmq.ts')).connectRabbit
      : (await import('./memory-client.ts')).connectMemory
  const closing = new AbortController()
  let connection: Connection | undefined
  const stay = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      connection = await connect(url, options).catch(() => undefined)
      if (closing.signal.aborted) await connection?.close()
      await connection?.ended
      connection = undefined
      await pause(closing.signal)
    }
  }
  const staying = stay()
  return {
    place,
    get connected() {
      return connection !== undefined
    },
    close: async () => {
      closing.abort()
      await connection?.close()
      await staying
    },
  }
}

/** One connection of a consumer. */
export interface Connection {
  /** Resolves when it is over, for whatever reason; never rejects. */
  readonly ended: Promise<void>
  close(): Promise<void>
}

async function pause(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, RETRY_MS)
  signal.addEventListener('abort', () => resolve(), { once: true })
  await promise
  clearTimeout(timer)
}
