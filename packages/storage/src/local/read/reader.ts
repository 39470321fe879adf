import { join } from 'node:path'
import { StorageError } from '../../contract.ts'
import { sampleAttributes } from './attribute-sample.ts'
import { Catalog, type Block } from './catalog.ts'
import { dependencies } from './dependencies.ts'
import type { FileSystem } from '../files/file-system.ts'
import type { LocalStoreSettings } from '../options.ts'
import type { Clock, Connect, Port } from '../runtime.ts'
import { toMessage } from '../threads/error.ts'
import type { Call, Change, FromReader, ReaderPart, ReaderStats, Results, ToReader } from '../threads/protocol.ts'
import { search } from './search.ts'
import { traceWords } from './summary.ts'
import { TraceStream } from './trace-stream.ts'
import { Turn } from './turn.ts'

/** The share of the cache that each reader has: lookups by id need few blocks, searches many. */
const CACHE_SHARE: Readonly<Record<ReaderPart, number>> = { lookup_reader: 1 / 3, search_reader: 2 / 3 }

/** How soon it is seen whether files that were not there are back: first, and at most after it was in vain again and again. Milliseconds. */
const LOOK_AGAIN_MS = 1_000
const MAX_LOOK_AGAIN_MS = 60_000

type Asked = Extract<ToReader, { type: 'call' }>

/**
 * The reading half of the local engine: answers queries from the files, and knows of each block from the writer. A change is sent by
 * the writer before it acknowledges, so whoever was acknowledged finds it in the port's queue here: catching up before each answer is
 * what makes read-your-writes hold. Nothing is answered before the writer has told all that there was when this reader joined.
 */
export class Reader {
  readonly #directory: string
  readonly #files: FileSystem
  readonly #clock: Clock
  readonly #connect: Connect
  readonly #main: Port<ToReader, FromReader>
  readonly #catalog: Catalog
  readonly #turns = new Map<number, Turn>()
  readonly #streams = new Map<number, TraceStream>()
  #writer: Port<Change, never> | undefined
  #joined = false
  /** What came before it was joined. */
  #early: Asked[] = []
  /** What the writer told could not be read: all calls are refused until it joins again. */
  #broken: StorageError | undefined
  #looksAgain = false
  #lookAgainMs = LOOK_AGAIN_MS

  constructor(
    part: ReaderPart,
    settings: LocalStoreSettings,
    files: FileSystem,
    clock: Clock,
    connect: Connect,
    main: Port<ToReader, FromReader>,
  ) {
    this.#directory = settings.directory
    this.#files = files
    this.#clock = clock
    this.#connect = connect
    this.#main = main
    this.#catalog = new Catalog(files, settings.directory, settings.cacheBytes * CACHE_SHARE[part])
  }

  start(): void {
    this.#main.onMessage((message) => {
      switch (message.type) {
        case 'join':
          this.#join(this.#connect(message.link))
          break
        case 'cancel':
          this.#turns.get(message.id)?.stop()
          this.#early = this.#early.filter(({ id }) => id !== message.id)
          break
        case 'closeTrace':
          if (this.#streams.delete(message.stream)) this.#catalog.release()
          break
        case 'ping':
          this.#main.post({ type: 'pong' })
          break
        case 'call':
          void this.#answer(message)
          break
      }
    })
  }

  #join(writer: Port<Change, never>): void {
    this.#writer?.close()
    this.#writer = writer
    this.#joined = false
    this.#broken = undefined
    this.#catalog.reset()
    writer.onMessage((change) => {
      if (writer === this.#writer) this.#apply(change)
    })
  }

  #catchUp(): void {
    for (let next = this.#writer?.receive(); next; next = this.#writer?.receive()) this.#apply(next)
  }

  #apply(change: Change): void {
    try {
      this.#catalog.apply(change)
    } catch (error) {
      // What was told is lost with this, whatever it was: nothing is answered from a picture with a hole. What the disk refuses it may give later.
      this.#writer?.close()
      this.#writer = undefined
      const message = toMessage(error, `reading ${this.#directory}`)
      this.#broken = new StorageError('io', message.message)
      this.#main.post({ type: 'unjoined', error: message })
      for (const asked of this.#early.splice(0)) void this.#answer(asked)
      return
    }
    if (this.#catalog.lack) this.#lookAgain()
    if (change.type !== 'joined') return
    this.#joined = true
    if (!this.#catalog.lack) this.#lookAgainMs = LOOK_AGAIN_MS
    this.#main.post({ type: 'joined' })
    for (const asked of this.#early.splice(0)) void this.#answer(asked)
  }

  /** Joins again when files that were not there are not dropped either: they may be back. */
  #lookAgain(): void {
    if (this.#looksAgain) return
    this.#looksAgain = true
    this.#clock.after(this.#lookAgainMs, () => {
      this.#looksAgain = false
      if (this.#catalog.lack) this.#main.post({ type: 'unjoined', error: toMessage(this.#catalog.lack, '') })
    })
    this.#lookAgainMs = Math.min(2 * this.#lookAgainMs, MAX_LOOK_AGAIN_MS)
  }

  async #answer(asked: Asked): Promise<void> {
    const { id, call, deadlineMs } = asked
    let reply: FromReader
    try {
      this.#catchUp()
      if (this.#broken) throw this.#broken
      if (!this.#joined) {
        this.#early.push(asked)
        return
      }
      const timeoutMs = Math.max(0, deadlineMs - this.#clock.monotonicMs())
      reply = { type: 'result', id, result: await this.#perform(id, call, timeoutMs) }
    } catch (error) {
      reply = { type: 'error', id, error: toMessage(error, call.method) }
    }
    this.#turns.delete(id)
    this.#main.post(reply)
  }

  async #perform(id: number, call: Call, timeoutMs: number): Promise<Results[Call['method']]> {
    switch (call.method) {
      case 'search': {
        const turn = this.#turnOf(id, timeoutMs)
        if (!this.#catalog.complete) turn.incomplete = true
        return this.#withBlocks((blocks) => search(blocks, call.query, turn))
      }
      case 'openTrace':
        return this.#openStream(id, call.traceId)
      case 'nextTrace':
        return this.#stream(call.stream).next()
      case 'services':
        return this.#catalog.services()
      case 'operations':
        return this.#catalog
          .operations(call.service)
          .filter(({ kind }) => call.kind === undefined || kind === call.kind)
          .sort((a, b) => (a.name === b.name ? a.kind - b.kind : a.name < b.name ? -1 : 1))
      case 'attributeKeys':
        return this.#withBlocks((blocks) =>
          sampleAttributes(blocks, undefined, call.limit, this.#turnOf(id, timeoutMs)),
        )
      case 'attributeValues':
        return this.#withBlocks((blocks) => sampleAttributes(blocks, call.key, call.limit, this.#turnOf(id, timeoutMs)))
      case 'dependencies': {
        const { complete } = this.#catalog
        const found = await this.#withBlocks((blocks) =>
          dependencies(blocks, call.from, call.to, this.#turnOf(id, timeoutMs)),
        )
        return { ...found, complete: found.complete && complete }
      }
      default:
        return this.#stats()
    }
  }

  #openStream(id: number, traceId: string): number {
    // An answer by id cannot say that it lacks something.
    if (this.#catalog.lack) throw this.#catalog.lack
    try {
      this.#streams.set(id, new TraceStream(this.#catalog.use(), traceWords(traceId)))
      return id
    } catch (error) {
      this.#catalog.release()
      throw error
    }
  }

  #stream(id: number): TraceStream {
    const stream = this.#streams.get(id)
    if (!stream)
      throw new StorageError('io', 'the reader of traces was replaced while this one was being read; ask again')
    return stream
  }

  #turnOf(id: number, timeoutMs: number): Turn {
    const turn = new Turn(this.#clock, timeoutMs)
    this.#turns.set(id, turn)
    return turn
  }

  async #withBlocks<T>(use: (blocks: Block[]) => Promise<T>): Promise<T> {
    try {
      return await use(this.#catalog.use())
    } finally {
      this.#catalog.release()
    }
  }

  #stats(): ReaderStats {
    const blocks = this.#catalog.use()
    this.#catalog.release()
    let spans = 0
    let oldest: bigint | undefined
    let newest: bigint | undefined
    for (const block of blocks) {
      if (block.spans === 0) continue
      spans += block.spans
      if (oldest === undefined || block.minStart < oldest) oldest = block.minStart
      if (newest === undefined || block.maxStart > newest) newest = block.maxStart
    }
    let diskBytes = 0
    for (const name of this.#files.list(this.#directory))
      diskBytes += this.#files.stat(join(this.#directory, name))?.size ?? 0
    return { spans, blocks: blocks.length, segments: this.#catalog.segmentCount, oldest, newest, diskBytes }
  }
}
