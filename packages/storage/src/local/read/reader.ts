import { sampleAttributes } from './attribute-sample.ts'
import { Catalog, type Block } from './catalog.ts'
import { dependencies } from './dependencies.ts'
import type { FileSystem } from '../files/file-system.ts'
import type { LocalStoreSettings } from '../options.ts'
import type { Clock, Port } from '../runtime.ts'
import { toMessage } from '../threads/error.ts'
import type { Call, Change, FromReader, ReaderStats, Results, ToReader } from '../threads/protocol.ts'
import { search } from './search.ts'
import { traceWords } from './summary.ts'
import { TraceStream } from './trace-stream.ts'
import { Turn } from './turn.ts'

/**
 * The reading half of the local engine: answers queries from the files, and knows of each block from the writer. A change is sent by
 * the writer before it acknowledges, so whoever was acknowledged finds it in the port's queue here: catching up before each answer is
 * what makes read-your-writes hold.
 */
export class Reader {
  readonly #clock: Clock
  readonly #writer: Port<Change, never>
  readonly #main: Port<ToReader, FromReader>
  readonly #catalog: Catalog
  readonly #turns = new Map<number, Turn>()
  readonly #streams = new Map<number, TraceStream>()

  constructor(
    settings: LocalStoreSettings,
    files: FileSystem,
    clock: Clock,
    writer: Port<Change, never>,
    main: Port<ToReader, FromReader>,
  ) {
    this.#clock = clock
    this.#writer = writer
    this.#main = main
    this.#catalog = new Catalog(files, settings.directory, settings.cacheBytes)
  }

  start(): void {
    this.#writer.onMessage((change) => this.#catalog.apply(change))
    this.#main.onMessage((message) => {
      if ('cancel' in message) this.#turns.get(message.id)?.stop()
      else void this.#answer(message.id, message.call, message.timeoutMs)
    })
  }

  #catchUp(): void {
    for (let next = this.#writer.receive(); next; next = this.#writer.receive()) this.#catalog.apply(next)
  }

  async #answer(id: number, call: Call, timeoutMs: number): Promise<void> {
    let reply: FromReader
    try {
      this.#catchUp()
      reply = { id, result: await this.#perform(id, call, timeoutMs) }
    } catch (error) {
      reply = { id, error: toMessage(error, call.method) }
    }
    this.#turns.delete(id)
    this.#main.post(reply)
    if (call.method === 'close') {
      this.#writer.close()
      this.#main.close()
    }
  }

  async #perform(id: number, call: Call, timeoutMs: number): Promise<Results[Call['method']]> {
    switch (call.method) {
      case 'search': {
        const turn = this.#turnOf(id, timeoutMs)
        return this.#withBlocks((blocks) => search(blocks, call.query, turn))
      }
      case 'openTrace':
        this.#streams.set(id, new TraceStream(this.#catalog.use(), traceWords(call.traceId)))
        return id
      case 'nextTrace':
        return this.#streams.get(call.stream)!.next()
      case 'closeTrace':
        if (this.#streams.delete(call.stream)) this.#catalog.release()
        return undefined
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
      case 'dependencies':
        return this.#withBlocks((blocks) => dependencies(blocks, call.from, call.to, this.#turnOf(id, timeoutMs)))
      case 'stats':
        return this.#stats()
      default:
        this.#catalog.close()
        return undefined
    }
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
    return { spans, blocks: blocks.length, segments: this.#catalog.segmentCount, oldest, newest }
  }
}
