import { join } from 'node:path'
import { StorageError, type OnPartial } from '../../contract.ts'
import type { FileSystem } from '../files/file-system.ts'
import type { LocalStoreSettings } from '../options.ts'
import type { Clock, Connect, Port } from '../runtime.ts'
import { toMessage } from '../threads/error.ts'
import type {
  Call,
  Change,
  FromReader,
  Held,
  ReaderPart,
  ReaderStats,
  Results,
  SaysComplete,
  Switched,
  Told,
  ToReader,
} from '../threads/protocol.ts'
import { HeardChanges } from '../threads/heard-changes.ts'
import { aggregate } from './aggregate/aggregate.ts'
import { bottleneck } from './aggregate/bottleneck.ts'
import { compare } from './aggregate/compare.ts'
import { errorGroups } from './aggregate/error-groups.ts'
import { flame } from './aggregate/flame.ts'
import { heatMap } from './aggregate/heat-map.ts'
import { arrivals } from './arrivals.ts'
import { sampleAttributes } from './attribute-sample.ts'
import { Catalog } from './catalog.ts'
import { dependencies } from './dependencies.ts'
import { KeptHits } from './kept-hits.ts'
import { KeptParts } from './kept-parts.ts'
import { LargeTraces } from './large-traces.ts'
import { QUERY_BYTES, QueryMemory } from './query-memory.ts'
import { boundsOf } from './range.ts'
import { search } from './search.ts'
import { SummaryCache } from './summary-cache.ts'
import { traceHash } from './block.ts'
import { traceWords } from './trace-parts.ts'
import { TraceStream } from './trace-stream.ts'
import { Turn } from './turn.ts'

/** Queries at work at a time, and traces being read; beyond it a query is refused as `overloaded`. */
const MAX_QUERIES = 256
const MAX_STREAMS = 1_024
/** The share of the cache that each reader has: lookups by id need few blocks, searches many. */
const CACHE_SHARE: Readonly<Record<ReaderPart, number>> = { lookup_reader: 1 / 4, search_reader: 3 / 4 }

/** Beside the cache of who counts, which blocks have traces in common: so much of what that takes, and at most 12 MiB. */
const SHARED_SHARE = 2 / 3
/** Of the cache of who counts, what whole blocks have come to in answers: a quarter, and at most so many bytes. */
const MAX_KEPT_BYTES = 8 << 20
/** Of the cache of who searches, what dear conditions have found in whole blocks: an eighth, and at most so many bytes. */
const MAX_HITS_BYTES = 4 << 20

/** The most of a thread's time that goes into learning what was there before it; and the shortest rest, in milliseconds, between two blocks. */
const LEARN_SHARE = 0.2
const MIN_REST_MS = 2

/** How long a large trace has to stay as it is before it is put together without being asked for, and the longest wait after somebody asked meanwhile. Milliseconds. */
const QUIET_MS = 2_000
const MAX_QUIET_MS = 60_000

type Asked = Extract<ToReader, { type: 'call' }>

/**
 * The reading half of the local engine: answers queries from the files, and knows of each block from the writer. A change is sent by
 * the writer before it acknowledges, so whoever was acknowledged finds it in the port's queue here: catching up before each answer is
 * what makes read-your-writes hold. Nothing is answered before the writer has told all that there was when this reader joined.
 */
export class Reader {
  readonly #directory: string
  readonly #fileSystem: FileSystem
  readonly #clock: Clock
  readonly #connect: Connect
  readonly #main: Port<ToReader, FromReader>
  readonly #catalog: Catalog
  readonly #kept: KeptParts
  readonly #hits: KeptHits
  readonly #summaries = new SummaryCache()
  /** Undefined of who does not search. */
  readonly #large: LargeTraces | undefined
  readonly #memory = new QueryMemory(QUERY_BYTES)
  readonly #turns = new Map<number, Turn>()
  readonly #streams = new Map<number, { readonly stream: TraceStream; readonly timeoutMs: number }>()
  #writer: Port<Told, Switched | Held> | undefined
  #changes: HeardChanges | undefined
  #joined = false
  /** What came before it was joined. */
  #early: Asked[] = []
  #loading = false
  #learning = false
  /** Waits for its time, or is at work. */
  #isLookingForLarge = false
  #largeTurn: Turn | undefined

  constructor(
    part: ReaderPart,
    settings: LocalStoreSettings,
    files: FileSystem,
    clock: Clock,
    connect: Connect,
    main: Port<ToReader, FromReader>,
  ) {
    const { directory } = settings
    const cacheBytes = settings.cacheBytes * CACHE_SHARE[part]
    const keptBytes = part === 'search_reader' ? Math.min(MAX_KEPT_BYTES, cacheBytes / 4) : 0
    this.#directory = directory
    this.#fileSystem = files
    this.#clock = clock
    this.#connect = connect
    this.#main = main
    const hitsBytes = part === 'search_reader' ? Math.min(MAX_HITS_BYTES, cacheBytes / 8) : 0
    this.#kept = new KeptParts(keptBytes, cacheBytes * SHARED_SHARE)
    this.#hits = new KeptHits(hitsBytes)
    this.#large = part === 'search_reader' ? new LargeTraces(this.#summaries) : undefined
    this.#catalog = new Catalog(files, clock, directory, cacheBytes - keptBytes - hitsBytes, {
      tell: (event) => main.post({ type: 'event', event }),
      switched: (id) => this.#writer?.post({ type: 'switched', id }),
      held: (id) => this.#writer?.post({ type: 'held', id }),
      users: () => [...this.#turns.values(), ...this.#streams.values()],
    })
  }

  start(): void {
    this.#main.onMessage((message) => {
      switch (message.type) {
        case 'join':
          this.#join(this.#connect(message.link))
          break
        case 'cancel':
          this.#turns.get(message.id)?.cancel()
          this.#early = this.#early.filter(({ id }) => id !== message.id)
          break
        case 'closeTrace':
          this.#closeStream(message.stream)
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

  #join(writer: Port<Told, Switched | Held>): void {
    this.#writer?.close()
    this.#writer = writer
    this.#joined = false
    this.#catalog.reset()
    this.#changes = new HeardChanges(writer, (change) => {
      if (writer === this.#writer) this.#apply(change)
    })
  }

  #catchUp(): void {
    this.#changes?.catchUp()
  }

  #apply(change: Change): void {
    this.#catalog.apply(change)
    if (change.type === 'joined') {
      this.#joined = true
      this.#main.post({ type: 'joined' })
      for (const asked of this.#early.splice(0)) void this.#answer(asked)
    }
    if (change.type !== 'rows') this.#loadLater()
  }

  /** Reads the indexes of what was heard of without a query that waits for it. */
  #loadLater(): void {
    if (this.#loading) return
    this.#loading = true
    void this.#clock
      .turn()
      .then(() => this.#catalog.load(new Turn(this.#clock, Infinity)))
      .finally(() => {
        this.#loading = false
        this.#learn()
        this.#lookForLargeLater()
      })
  }

  /** Goes on in the background until nothing is left, and begins again when more is known or asked for; see {@link Catalog.learnTraces} and {@link SharedTraces.learnOne}. */
  #learn(): void {
    if (this.#learning) return
    const began = this.#clock.monotonicMs()
    if (!this.#catalog.learnTraces() && !this.#learnShared()) return
    this.#learning = true
    const restMs = (1 / LEARN_SHARE - 1) * (this.#clock.monotonicMs() - began)
    this.#clock.after(Math.max(MIN_REST_MS, restMs), () => {
      this.#learning = false
      this.#learn()
    })
  }

  #learnShared(): boolean {
    const { shared } = this.#kept
    if (!shared.isWanted) return false
    const turn = new Turn(this.#clock, Infinity)
    return shared.learnOne(this.#catalog.blocks(turn), turn)
  }

  #lookForLargeLater(waitMs = QUIET_MS): void {
    const large = this.#large
    if (!large || this.#isLookingForLarge) return
    this.#isLookingForLarge = true
    this.#clock.after(waitMs, () => {
      void this.#lookForLarge(large).then((next) => {
        this.#isLookingForLarge = false
        // Where somebody asks all the time, it would be begun in vain each time.
        if (next !== 'done') this.#lookForLargeLater(next === 'stopped' ? Math.min(2 * waitMs, MAX_QUIET_MS) : QUIET_MS)
      })
    })
  }

  /** See {@link LargeTraces}. Whoever asks something goes first, and has the memory. */
  async #lookForLarge(large: LargeTraces): Promise<'done' | 'again' | 'stopped'> {
    if (this.#turns.size > 0) return 'stopped'
    const turn = new Turn(this.#clock, Infinity, { memory: this.#memory })
    this.#largeTurn = turn
    try {
      const isAgain = await large.look(this.#catalog.blocks(turn), turn)
      return turn.stopped ? 'stopped' : isAgain ? 'again' : 'done'
    } catch {
      // Whoever asks for the trace meets the same, and says so.
      return 'done'
    } finally {
      turn.end()
      this.#largeTurn = undefined
    }
  }

  async #answer(asked: Asked): Promise<void> {
    this.#largeTurn?.cancel()
    this.#catchUp()
    if (!this.#joined) {
      this.#early.push(asked)
      return
    }
    const { id, call, deadlineMs, maxBytes } = asked
    const timeoutMs = Math.max(0, Math.round(deadlineMs - this.#clock.monotonicMs()))
    const turn = new Turn(this.#clock, this.#timeFor(call, timeoutMs), {
      memory: this.#memory,
      maxBytes,
      givenMs: timeoutMs,
      meter: () => this.#catalog.bytesRead,
    })
    let reply: FromReader
    try {
      this.#admit(call)
      this.#turns.set(id, turn)
      await this.#catalog.load(turn)
      reply = { type: 'result', id, result: await this.#perform(id, call, turn, timeoutMs) }
    } catch (error) {
      reply = { type: 'error', id, error: toMessage(error, call.method) }
    }
    turn.end()
    this.#turns.delete(id)
    this.#catalog.ended(turn)
    this.#main.post(reply)
    if (this.#kept.shared.isWanted) this.#learn()
  }

  /**
   * All pieces of a trace together have the time that it was opened with. That in which nobody asks for the next one does not count.
   */
  #timeFor(call: Call, timeoutMs: number): number {
    const opened = call.method === 'nextTrace' ? this.#streams.get(call.stream) : undefined
    return opened ? Math.max(0, Math.min(timeoutMs, opened.timeoutMs - opened.stream.usedMs)) : timeoutMs
  }

  #admit({ method }: Call): void {
    if (this.#turns.size >= MAX_QUERIES || (method === 'openTrace' && this.#streams.size >= MAX_STREAMS)) {
      throw new StorageError(
        'overloaded',
        `${this.#turns.size} queries are at work and ${this.#streams.size} traces are being read; ask again later`,
      )
    }
  }

  /** Rejects with `timeout` or `cancelled` where the answer cannot say that it is not complete. */
  async #perform(id: number, call: Call, turn: Turn, timeoutMs: number): Promise<Results[Call['method']]> {
    const catalog = this.#catalog
    const found = (event: Extract<FromReader, { type: 'found' }>['event']): void =>
      this.#main.post({ type: 'found', id, event })
    const tell = ({ tells }: { readonly tells: boolean }): OnPartial<unknown> | undefined => (tells ? found : undefined)
    switch (call.method) {
      case 'search':
        return this.#completeUnlessGone(
          turn,
          await search(catalog.blocks(turn), call.query, turn, this.#summaries, found, this.#hits),
        )
      case 'dependencies':
        return this.#completeUnlessGone(turn, await dependencies(catalog.blocks(turn), call, turn, this.#kept))
      case 'aggregate':
        return this.#completeUnlessGone(
          turn,
          await aggregate(catalog.blocks(turn), call.query, turn, tell(call), this.#kept),
        )
      case 'heatMap':
        return this.#completeUnlessGone(
          turn,
          await heatMap(catalog.blocks(turn), call.query, turn, tell(call), this.#kept),
        )
      case 'errorGroups':
        return this.#completeUnlessGone(turn, await errorGroups(catalog.blocks(turn), call.query, turn, tell(call)))
      case 'bottleneck':
        return this.#completeUnlessGone(turn, await bottleneck(catalog.blocks(turn), call.query, turn, tell(call)))
      case 'flame':
        return this.#completeUnlessGone(turn, await flame(catalog.blocks(turn), call.query, turn, tell(call)))
      case 'compare':
        return this.#completeUnlessGone(turn, await compare(catalog.blocks(turn), call.query, turn, tell(call)))
      case 'arrivals': {
        const { query, position } = call
        const segments = catalog.segments(turn)
        return this.#completeUnlessGone(turn, await arrivals(segments, query, position, this.#summaries, turn))
      }
      case 'nextTrace':
        if (await turn.breathe()) turn.throwIfStopped()
        return this.#unlessVanished(turn, await this.#streamOf(call.stream).next(turn))
      default: {
        if (await turn.breathe()) turn.throwIfStopped()
        const result = await this.#lookUp(id, call, turn, timeoutMs)
        turn.throwIfStopped()
        return result
      }
    }
  }

  async #lookUp(
    id: number,
    call: Exclude<Call, { method: SaysComplete | 'nextTrace' }>,
    turn: Turn,
    timeoutMs: number,
  ): Promise<Results[Call['method']]> {
    const catalog = this.#catalog
    switch (call.method) {
      case 'openTrace': {
        const trace = traceWords(call.traceId)
        const blocks = this.#unlessVanished(turn, catalog.blocks(turn, traceHash(trace)))
        this.#streams.set(id, { stream: new TraceStream(blocks, trace, turn.damage), timeoutMs })
        return id
      }
      case 'services':
        return catalog.services(turn)
      case 'operations':
        return (await catalog.operations(call.service, turn))
          .filter(({ kind }) => call.kind === undefined || kind === call.kind)
          .sort((a, b) => (a.name === b.name ? a.kind - b.kind : a.name < b.name ? -1 : 1))
      case 'attributeKeys':
        return sampleAttributes(catalog.blocks(turn), { level: call.level }, call.limit, turn)
      case 'attributeValues':
        return sampleAttributes(catalog.blocks(turn), { key: call.key }, call.limit, turn)
      default:
        return this.#stats(turn)
    }
  }

  /** What retention took meanwhile is not missing: the word that it was dropped was sent before its files went. */
  #completeUnlessGone<T extends { readonly complete: boolean }>(turn: Turn, result: T): T {
    if (!turn.hasVanished) return result
    this.#catchUp()
    return { ...result, complete: turn.complete }
  }

  /** A trace's spans cannot say that some are missing: throws StorageError `io` where files are gone that nobody has dropped. */
  #unlessVanished<T>(turn: Turn, result: T): T {
    if (!turn.hasVanished) return result
    // The word that they were dropped may be on its way.
    this.#catchUp()
    if (!turn.hasVanished) return result
    throw new StorageError(
      'io',
      `files in ${this.#directory} are not there; put them back, or restart Spoor to go on without them`,
    )
  }

  #closeStream(id: number): void {
    const opened = this.#streams.get(id)
    this.#streams.delete(id)
    if (opened) this.#catalog.ended(opened)
  }

  #streamOf(id: number): TraceStream {
    const opened = this.#streams.get(id)
    if (!opened)
      throw new StorageError('io', 'the reader of traces was replaced while this one was being read; ask again')
    return opened.stream
  }

  #stats(turn: Turn): ReaderStats {
    const blocks = this.#catalog.blocks(turn)
    const spans = blocks.reduce((sum, block) => sum + block.spans, 0)
    const [oldest, newest] = boundsOf(blocks)
    let diskBytes = 0
    for (const name of this.#fileSystem.list(this.#directory))
      diskBytes += this.#fileSystem.stat(join(this.#directory, name))?.size ?? 0
    return { spans, blocks: blocks.length, segments: this.#catalog.segmentCount, oldest, newest, diskBytes }
  }
}
