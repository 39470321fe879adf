import { readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import type { TelemetryBatch } from '@spoor/otlp'
import {
  StorageError,
  type CallOptions,
  type Dependencies,
  type Operation,
  type SearchPage,
  type SearchQuery,
  type StoreStats,
  type TraceStore,
} from '../../contract.ts'
import { createHealth, type StoreEvent, type StoreHealth } from '../../events.ts'
import { fromMessage, storageError } from './error.ts'
import { nodeFileSystem } from '../files/file-system.ts'
import { checkFormat } from '../files/format.ts'
import { lockDirectory } from '../files/lock.ts'
import { settingsOf, type LocalStoreOptions } from '../options.ts'
import { Outbox } from './outbox.ts'
import type { Call, FromReader, FromWriter, Results, ToReader, ToWriter, WorkerStart } from './protocol.ts'

/**
 * Opens the embedded engine on a data directory: one that does not exist is made, one that was left by a crash is recovered first.
 * Throws StorageError `locked` when another process has it, `corrupt` when it is not Spoor's, `io` or `disk_full` when it cannot be
 * used.
 *
 * Three threads: the caller's copies batches to the writer and hands out answers; the writer owns the files; the reader answers
 * queries.
 */
export async function openLocalStore(options: LocalStoreOptions): Promise<TraceStore> {
  const settings = { ...settingsOf(options), directory: resolve(options.directory) }
  const workers: Worker[] = []
  let unlock = (): void => {}
  try {
    unlock = lockDirectory(settings.directory)
    checkFormat(nodeFileSystem, settings.directory)
    const { port1, port2 } = new MessageChannel()
    const writer = startWorker('writer', { settings, port: port1 })
    const reader = startWorker('reader', { settings, port: port2 })
    workers.push(writer, reader)
    const store = new LocalStore(settings.directory, settings.maxPendingBytes, writer, reader, unlock, options.onEvent)
    await store.opened
    return store
  } catch (error) {
    await Promise.all(workers.map((worker) => worker.terminate()))
    unlock()
    throw storageError(error, `opening ${settings.directory}`)
  }
}

/**
 * The threads make buffers and hardly an object. A small young generation is collected often, which gives their buffers back soon: 110 MB
 * less in the writer at full speed, 120 MB less in the reader during searches, for a few per cent of its CPU time.
 */
const LIMITS = { writer: { maxYoungGenerationSizeMb: 4 }, reader: { maxYoungGenerationSizeMb: 8 } }

function startWorker(name: 'writer' | 'reader', workerData: WorkerStart): Worker {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const transferList: MessagePort[] = [workerData.port]
  return new Worker(new URL(`./${name}.${extension}`, import.meta.url), {
    workerData,
    transferList,
    name: `spoor-${name}`,
    resourceLimits: LIMITS[name],
  })
}

const DEFAULT_TIMEOUT_MS = 10_000

interface Waiting {
  readonly resolve: (result: never) => void
  readonly reject: (error: Error) => void
}

class LocalStore implements TraceStore {
  /** Resolves when the writer has recovered the directory. */
  readonly opened: Promise<void>
  readonly #directory: string
  readonly #writer: Worker
  readonly #reader: Worker
  readonly #unlock: () => void
  readonly #outbox: Outbox
  readonly #onEvent: (event: StoreEvent) => void
  readonly #health = createHealth()
  readonly #failed = Promise.withResolvers<StorageError>()
  readonly failed = this.#failed.promise
  #recovered = { blocks: 0, tornBytes: 0 }
  #nextCall = 0
  readonly #calls = new Map<number, Waiting>()
  #failure: StorageError | undefined
  #closing: Promise<void> | undefined
  #writerClosed: ((error: StorageError | undefined) => void) | undefined

  constructor(
    directory: string,
    maxPendingBytes: number,
    writer: Worker,
    reader: Worker,
    unlock: () => void,
    onEvent: (event: StoreEvent) => void = () => {},
  ) {
    this.#directory = directory
    this.#writer = writer
    this.#reader = reader
    this.#unlock = unlock
    this.#onEvent = onEvent
    this.#outbox = new Outbox(maxPendingBytes, (message, transfer) => writer.postMessage(message, transfer))
    this.opened = new Promise((resolve, reject) => {
      writer.on('message', (message: FromWriter) => this.#fromWriter(message, resolve, reject))
      for (const [name, worker] of Object.entries({ writer, reader })) {
        worker.on('error', (cause) => {
          reject(cause)
          this.#fail(new StorageError('io', `the ${name} of ${directory} failed: ${String(cause)}`, { cause }))
        })
      }
    })
    reader.on('message', (message: FromReader) => this.#fromReader(message))
  }

  append(batch: TelemetryBatch): Promise<void> {
    return this.#outbox.append(batch)
  }

  async *trace(id: string, options?: CallOptions): AsyncIterable<Uint8Array> {
    const traceId = id.toLowerCase()
    if (!/^[0-9a-f]{32}$/.test(traceId)) return
    const stream = await this.#call({ method: 'openTrace', traceId }, options)
    try {
      for (;;) {
        const { chunks, done } = await this.#call({ method: 'nextTrace', stream }, options)
        yield* chunks
        if (done) return
      }
    } finally {
      if (!this.#failure) await this.#call({ method: 'closeTrace', stream })
    }
  }

  async search(query: SearchQuery): Promise<SearchPage> {
    const { signal, timeoutMs, ...rest } = query
    return this.#call(
      { method: 'search', query: rest },
      { ...(signal && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) },
    )
  }

  services(options?: CallOptions): Promise<string[]> {
    return this.#call({ method: 'services' }, options)
  }

  operations(service: string | undefined, kind?: number, options?: CallOptions): Promise<Operation[]> {
    return this.#call({ method: 'operations', service, kind }, options)
  }

  attributeKeys(limit = 200, options?: CallOptions): Promise<string[]> {
    return this.#call({ method: 'attributeKeys', limit }, options)
  }

  attributeValues(key: string, limit = 100, options?: CallOptions): Promise<string[]> {
    return this.#call({ method: 'attributeValues', key, limit }, options)
  }

  dependencies(from: bigint, to: bigint, options?: CallOptions): Promise<Dependencies> {
    return this.#call({ method: 'dependencies', from, to }, options)
  }

  async stats(options?: CallOptions): Promise<StoreStats> {
    const stats = await this.#call({ method: 'stats' }, options)
    let diskBytes = 0
    for (const name of readdirSync(this.#directory)) {
      diskBytes += statSync(join(this.#directory, name), { throwIfNoEntry: false })?.size ?? 0
    }
    return { ...stats, diskBytes, appended: this.#outbox.appended, recovered: this.#recovered }
  }

  health(): StoreHealth {
    return this.#health.health()
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    const closed = new StorageError('closed', `the store in ${this.#directory} is closed`)
    await this.#outbox.drain(closed)
    let error = this.#failure
    if (!error) {
      const writerClosed = new Promise<StorageError | undefined>((resolve) => (this.#writerClosed = resolve))
      this.#writer.postMessage({ type: 'close' } satisfies ToWriter, [])
      error = await writerClosed
      await this.#call({ method: 'close' })
      this.#failure = closed
    }
    await Promise.all([this.#writer.terminate(), this.#reader.terminate()])
    this.#unlock()
    if (error) throw error
  }

  async #call<C extends Call>(
    call: C,
    { signal, timeoutMs = DEFAULT_TIMEOUT_MS }: CallOptions = {},
  ): Promise<Results[C['method']]> {
    if (this.#failure) throw this.#failure
    if (!(timeoutMs >= 0)) throw new StorageError('bad_query', `timeoutMs is ${timeoutMs}; 0 or more`)
    // The answers of these two can say that they are not complete.
    const partial = call.method === 'search' || call.method === 'dependencies'
    const cancelled = new StorageError('cancelled', `${call.method} was cancelled by its caller`)
    if (signal?.aborted && !partial) throw cancelled
    const id = this.#nextCall++
    const cancel = (): void => {
      this.#reader.postMessage({ id, cancel: true } satisfies ToReader, [])
      if (!partial) this.#calls.get(id)?.reject(cancelled)
    }
    const answered = new Promise<Results[C['method']]>((resolve, reject) => {
      this.#calls.set(id, { resolve, reject })
      this.#reader.postMessage({ id, call, timeoutMs: signal?.aborted ? 0 : timeoutMs } satisfies ToReader, [])
    })
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      return await answered
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }

  #tell(event: StoreEvent): void {
    this.#health.add(event, Date.now())
    try {
      this.#onEvent(event)
    } catch {
      // Who listens has no say in whether the store goes on.
    }
  }

  #fromWriter(message: FromWriter, opened: () => void, failed: (error: Error) => void): void {
    switch (message.type) {
      case 'opened':
        this.#recovered = message.recovered
        opened()
        break
      case 'failed':
        failed(fromMessage(message.error))
        break
      case 'durable':
        this.#outbox.settle(message.ids, message.slabs, undefined)
        break
      case 'rejected':
        this.#outbox.settle(message.ids, message.slabs, fromMessage(message.error))
        break
      case 'event':
        this.#tell(message.event)
        break
      case 'closed':
        this.#writerClosed?.(message.error && fromMessage(message.error))
        break
    }
  }

  #fromReader(message: FromReader): void {
    if ('event' in message) {
      this.#tell(message.event)
      return
    }
    const waiting = this.#calls.get(message.id)
    this.#calls.delete(message.id)
    if ('error' in message) waiting?.reject(fromMessage(message.error))
    else waiting?.resolve(message.result as never)
  }

  #fail(error: StorageError): void {
    this.#failure = error
    this.#failed.resolve(error)
    this.#outbox.fail(error)
    for (const { reject } of this.#calls.values()) reject(error)
    this.#calls.clear()
    this.#writerClosed?.(error)
  }
}
