/** What a processor that gathers traces holds: their rows, their spans in memory or on the disk, and what is on its way to the next stage. */
import { createBatch, type Chunk, type TelemetryBatch } from '@spoor/otlp'
import { z } from 'zod'
import {
  CollectorError,
  createLogLimiter,
  extensionId,
  extensionOf,
  type Component,
  type Consumer,
  type Context,
  type Host,
  type Storage,
} from '../../component/index.ts'
import { Outbox } from '../outbox.ts'
import { Arena } from './arena.ts'
import { eachTrace, type ChunkTrace } from './by-trace.ts'
import { FragmentLists, type Detached, type Fragment, type SpanStore } from './fragments.ts'
import { SegmentLog } from './segment-log.ts'
import { TraceLog, type Found, type Mark, type PersistentStore } from './trace-log.ts'
import { TraceTable } from './trace-table.ts'

const DEFAULT_MEMORY_BYTES = 64 * 1024 * 1024
const DEFAULT_HELD_BYTES = 4 * 1024 * 1024 * 1024
const LOG_INTERVAL_MS = 60_000
/** Of the bytes that are held, what may wait; the rest is on its way to the next stage. */
const WAITING_SHARE = 3 / 4
const RETRY_AFTER_MS = 1000

/** The keys of a processor that holds traces. `until`: what spans wait for; `early`: what becomes of the oldest traces when there is no room. */
export function holderKeys(until: string, early: string) {
  return {
    storage: extensionId('storage')
      .optional()
      .describe(
        `The id of an extension that keeps the spans that wait, as \`file_storage\`: they are in its file before the sender is answered, not in memory, and are ${until} after the next start. Without it they are in the data directory of the program just so, where it has one (\`--data\`), but what waits at a stop is ${until} then. An extension.`,
      ),
    max_memory_bytes: z
      .int()
      .min(1)
      .default(DEFAULT_MEMORY_BYTES)
      .describe(
        'Bytes of spans that wait in memory, where there is neither `storage` nor a data directory. What is more is in a file without a name in the folder for temporary files (`TMPDIR`), which goes with the process; where that cannot be written, twice as many are in memory at most, as `max_held_bytes` has it. An extension.',
      ),
    max_held_bytes: z
      .int()
      .min(1)
      .default(DEFAULT_HELD_BYTES)
      .describe(
        `Bytes of spans that are held at most, in memory and on the disk. Beyond it the oldest traces are ${early}, and where the next stage does not take what is handed on, senders are told to come again. An extension.`,
      ),
  }
}

export interface HolderConfig {
  readonly storage?: string | undefined
  readonly max_memory_bytes: number
  readonly max_held_bytes: number
}

export class TraceHolder {
  readonly table = new TraceTable()
  readonly outbox: Outbox
  readonly claims: NonNullable<Component['claims']>
  /** Whether what waits at a stop is left for the next start. */
  readonly keepsAtStop: boolean
  readonly #context: Context
  readonly #storageId: string | undefined
  readonly #config: HolderConfig
  readonly #arena: Arena
  #store: SpanStore
  #log: PersistentStore | undefined
  #fragments: FragmentLists

  constructor(context: Context, config: HolderConfig, next: Consumer) {
    const { storage } = config
    this.#context = context
    this.#storageId = storage
    this.keepsAtStop = storage !== undefined
    this.#config = config
    this.claims = [`traces ${storage ?? ''} ${ownerOf(context)}`]
    this.outbox = new Outbox(context, next, () => this.#log !== undefined)
    const log = createLogLimiter(context.logger, LOG_INTERVAL_MS)
    this.#arena = new Arena({
      maxMemoryBytes: config.max_memory_bytes,
      allocated: (bytes) => context.budget.exempt(bytes),
      failed: ({ message: error }) =>
        log.warn(
          'spill',
          { component: context.id, error },
          'Spans that wait cannot be written to a temporary file. Fewer are held.',
        ),
    })
    this.#store = this.#arena
    this.#fragments = new FragmentLists(this.table, this.#store)
  }

  /** Bytes of spans. */
  get byteLength(): number {
    return this.#fragments.byteLength
  }

  /** Opens what is on the disk, of `storage` or of the collector's own: `restore` gets what is known of traces, then `take` each fragment. */
  open(host: Host, restore: (mark: Mark) => void, take: (fragment: Found) => void): void {
    const log =
      this.#storageId === undefined ? this.#openOwn(host) : this.#openIn(extensionOf(host, this.#storageId, 'storage'))
    if (!log) return
    this.#store = this.#log = log
    this.#fragments = new FragmentLists(this.table, log)
    for (const mark of log.marks()) restore(mark)
    for (const found of log.found()) take(found)
  }

  #openIn(storage: Storage): TraceLog {
    const { fsync, maxBytes } = storage
    return TraceLog.open(storage.fileOf(ownerOf(this.#context)), { fsync, maxBytes, logger: this.#context.logger })
  }

  /** Undefined where there is none, or where it cannot be had, which is told. */
  #openOwn({ folderOf }: Host): PersistentStore | undefined {
    if (!folderOf) return undefined
    const { logger } = this.#context
    try {
      return SegmentLog.open(folderOf(ownerOf(this.#context)), { maxBytes: 2 * this.#config.max_held_bytes, logger })
    } catch (error) {
      const fields = { component: this.#context.id, error: (error as Error).message }
      const message =
        'Traces that wait cannot be kept on the disk, and go with the process. Set --data, or storage of the processor.'
      this.#context.logger.warn(fields, message)
      return undefined
    }
  }

  /** Remembers over the end of the process what is known of a trace. Gives a number for {@link unmark}; 0 where nothing is remembered. */
  mark(words: Uint32Array, at: number, state: number, note: string | null): number {
    return this.#log?.mark(words, at, state, note) ?? 0
  }

  unmark(number: number): void {
    if (number > 0) this.#log?.unmark(number)
  }

  /** Stops to keep. A second call does nothing. */
  close(): void {
    this.#store.close()
  }

  /** The fragments of a batch, by trace, but of those that `isWanted` says no to; their bytes lie side by side, or are the batch's own. `isByScope`: each scope is in a resource of its own. `isByResource`: there is one for each resource. */
  split(
    batch: TelemetryBatch,
    { isByScope = false, isByResource = false }: { readonly isByScope?: boolean; readonly isByResource?: boolean },
    isWanted: (trace: ChunkTrace) => boolean,
  ): Fragment[] {
    const fragments: Fragment[] = []
    for (const chunk of batch.chunks) {
      const take = (trace: ChunkTrace): void => {
        if (!isWanted(trace)) return
        const { words, at, spans, hasRoot, facts, factsRow } = trace
        fragments.push({ words, at, spans, hasRoot, facts, factsRow, bytes: trace.extract(isByScope) })
      }
      eachTrace(chunk, take, isByResource)
    }
    return fragments
  }

  /** Keeps the fragments, and gives each to `take` then. Waits for nothing where they are kept in memory. */
  async keep(fragments: readonly Fragment[], take: (fragment: Found, bytes: Uint8Array) => void): Promise<void> {
    if (fragments.length === 0) return
    const put = this.#store.put(fragments)
    const refs = put instanceof Promise ? await put : put
    for (let index = 0; index < fragments.length; index++) {
      const { bytes, words, at, spans, hasRoot, facts, factsRow } = fragments[index]!
      take({ words, at, spans, hasRoot, facts, factsRow, ref: refs[index]!, length: bytes.length }, bytes)
    }
  }

  /** Frees the memory that {@link split} has taken for fragments of a batch, which must not be read any more. */
  free(fragments: readonly Fragment[], { chunks }: TelemetryBatch): void {
    const others = new Set(chunks.map(({ bytes }) => bytes.buffer))
    for (const {
      bytes: { buffer },
    } of fragments) {
      if (buffer instanceof ArrayBuffer && !buffer.detached && !others.has(buffer)) buffer.transfer(0)
    }
  }

  /** What was kept is of the trace in that row. */
  append(row: number, { ref, length, spans }: Found): void {
    this.#fragments.append(row, ref, length, spans)
  }

  /** What was kept is of no row. */
  alone({ ref, length, spans }: Found): Detached {
    return this.#fragments.alone(ref, length, spans)
  }

  /** Its spans so far, valid until they are removed. Throws `internal` where they cannot be read. */
  chunksOf(row: number): Chunk[] {
    return this.#fragments.chunksOf(row)
  }

  /** How many bytes these have. */
  bytesOf(row: number): number {
    return this.#fragments.bytesOf(row)
  }

  detach(row: number): Detached {
    return this.#fragments.detach(row)
  }

  remove(fragments: Detached): void {
    this.#fragments.remove(fragments)
  }

  /** Hands them on, as `change` makes them. */
  send(fragments: Detached, change: (chunks: Chunk[]) => Chunk[]): void {
    const { spans: items, bytes } = fragments
    this.outbox.send({
      items,
      bytes,
      open: () => createBatch('traces', change(this.#fragments.copy(fragments))),
      done: () => this.#fragments.remove(fragments),
    })
  }

  get #maxBytes(): number {
    const { max_held_bytes: held, max_memory_bytes: memory } = this.#config
    return !this.#log && this.#arena.isCramped ? Math.min(held, 2 * memory) : held
  }

  /** Bytes of spans in memory. */
  get memoryBytes(): number {
    return this.#arena.memoryBytes
  }

  /** The oldest traces give way until those that wait have no more than their share. Throws where it is the next stage that leaves no room. */
  makeRoom(bytes: number, giveWay: (isEnough: () => boolean) => void): void {
    const max = this.#maxBytes
    giveWay(() => this.byteLength - this.outbox.bytes + bytes <= max * WAITING_SHARE)
    if (this.byteLength === 0 || this.byteLength + bytes <= max) return
    const message = `${this.#context.id} holds ${this.byteLength} bytes of spans, of which the next stage has not taken ${this.outbox.bytes} (at most ${max}: max_held_bytes); try again`
    throw new CollectorError('overloaded', message, { retryAfterMs: RETRY_AFTER_MS })
  }
}

/** Whose file it is: an id may be in several pipelines, each of which has a processor of its own. */
function ownerOf({ id, pipeline }: Context): string {
  return `processor ${id} ${pipeline ?? ''}`
}
