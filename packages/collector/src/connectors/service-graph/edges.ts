/**
 * Requests from one service to another of which one end has come: they wait for the other, oldest first, for a bounded time. A server's span finds
 * its client's by trace and parent, a consumer's its producer's by a link, too, of which a producer may have several.
 */

/** What a connection is: `''` for a call. */
export type ConnectionType = '' | 'messaging_system' | 'database' | 'virtual_node'

export interface Edge {
  readonly key: string
  /** Whether the key has no span: nobody has called, as far as is known. */
  readonly isRoot: boolean
  /** Milliseconds since 1970. */
  readonly expiresAt: number
  connectionType: ConnectionType
  client: string
  server: string
  /** Seconds. */
  clientDuration: number
  serverDuration: number
  failed: boolean
  /** `client_NAME` or `server_NAME` with their values. */
  readonly dimensions: Map<string, string>
  /** Whom the client has called, as far as it knows. */
  peer: string | undefined
  /** Of a consumer with a link: the key of its producer. */
  readonly producer: string | undefined
  /** Of a producer that consumers have found: it has no other end of its own. */
  isLinked: boolean
}

export interface EdgeListener {
  /** Both ends are known. */
  completed(edge: Edge): void
  /** The other end has not come in time. */
  expired(edge: Edge): void
}

export interface EdgeKey {
  readonly key: string
  readonly isRoot: boolean
  readonly producer?: string
}

export type Outcome = 'new' | 'known' | 'full'

export class Edges {
  readonly #ttlMs: number
  readonly #maxItems: number
  readonly #listener: EdgeListener
  /** In the order in which they came, which is that in which they expire. */
  readonly #edges = new Map<string, Edge>()
  /** Consumers that wait for a producer, by its key. */
  readonly #pending = new Map<string, Set<string>>()

  constructor(ttlMs: number, maxItems: number, listener: EdgeListener) {
    this.#ttlMs = ttlMs
    this.#maxItems = maxItems
    this.#listener = listener
  }

  get size(): number {
    return this.#edges.size
  }

  /** Adds what a span says of its edge; `now`: milliseconds since 1970. `full`: there is no room for another one. */
  add(at: EdgeKey, now: number, update: (edge: Edge) => void): Outcome {
    const known = this.#edges.get(at.key)
    const edge = known ?? this.#begin(at, now)
    update(edge)
    if (edge.producer !== undefined && edge.client === '') this.#takeFrom(edge, edge.producer)
    if (isComplete(edge)) {
      this.#remove(edge)
      this.#listener.completed(edge)
    } else if (!known) {
      if (this.#edges.size >= this.#maxItems && !this.#expireOldest(now)) return 'full'
      this.#edges.set(edge.key, edge)
      if (edge.producer !== undefined) this.#wait(edge.key, edge.producer)
    }
    this.#giveTo(edge)
    return known ? 'known' : 'new'
  }

  /** Lets go of those that have waited too long. */
  expire(now: number): void {
    while (this.#expireOldest(now));
  }

  #begin({ key, isRoot, producer }: EdgeKey, now: number): Edge {
    return {
      key,
      isRoot,
      expiresAt: now + this.#ttlMs,
      connectionType: '',
      client: '',
      server: '',
      clientDuration: 0,
      serverDuration: 0,
      failed: false,
      dimensions: new Map(),
      peer: undefined,
      producer,
      isLinked: false,
    }
  }

  #wait(consumer: string, producer: string): void {
    const waiting = this.#pending.get(producer)
    if (waiting) waiting.add(consumer)
    else this.#pending.set(producer, new Set([consumer]))
  }

  /** What a consumer's edge has of its producer's, where that is there. */
  #takeFrom(consumer: Edge, key: string): void {
    const producer = this.#edges.get(key)
    if (!producer || producer.client === '') return
    producer.isLinked = true
    consumer.client = producer.client
    consumer.clientDuration = producer.clientDuration
    consumer.connectionType = producer.connectionType
    consumer.failed ||= producer.failed
    for (const [name, value] of producer.dimensions) consumer.dimensions.set(name, value)
  }

  /** Completes the consumers that have waited for this producer, which stays for others. */
  #giveTo(producer: Edge): void {
    const waiting = producer.client === '' ? undefined : this.#pending.get(producer.key)
    if (!waiting || !this.#edges.has(producer.key)) return
    this.#pending.delete(producer.key)
    for (const key of waiting) {
      const consumer = this.#edges.get(key)
      if (!consumer) continue
      this.#takeFrom(consumer, producer.key)
      if (!isComplete(consumer)) continue
      this.#edges.delete(key)
      this.#listener.completed(consumer)
    }
  }

  #remove({ key, producer }: Edge): void {
    this.#edges.delete(key)
    if (producer === undefined) return
    const waiting = this.#pending.get(producer)
    if (waiting?.delete(key) && waiting.size === 0) this.#pending.delete(producer)
  }

  #expireOldest(now: number): boolean {
    const [oldest] = this.#edges.values()
    if (!oldest || oldest.expiresAt >= now) return false
    this.#remove(oldest)
    this.#listener.expired(oldest)
    return true
  }
}

function isComplete({ client, server }: Edge): boolean {
  return client !== '' && server !== ''
}
