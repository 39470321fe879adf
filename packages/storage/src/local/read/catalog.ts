import { basename } from 'node:path'
import { StorageError } from '../../contract.ts'
import type { StoreEvent } from '../../events.ts'
import { appendRows, createRows, type AddedRows, type BlockRows, type OperationKey } from '../block/rows.ts'
import type { FileSystem } from '../files/file-system.ts'
import { INDEX_HEADER, readBlock } from '../files/index-file.ts'
import { indexPath, logPath } from '../files/segment.ts'
import type { Clock } from '../runtime.ts'
import type { Change } from '../threads/protocol.ts'
import { reading, type BlockSegment, type BlockSource } from './block-source.ts'
import type { Block } from './block.ts'
import { LogBlock } from './log-block.ts'
import { LostBlock } from './lost-block.ts'
import { MemoryBlock } from './memory-block.ts'
import { StoredBlock } from './stored-block.ts'
import { isBlockMeta } from './block-meta.ts'
import { ByteCache, type Slot } from './byte-cache.ts'
import { OpenFiles } from './open-files.ts'
import type { Turn } from './turn.ts'

/** Distinct operations of one segment beyond which further ones are not listed by `operations`; search still finds them. */
const MAX_OPERATIONS = 20_000
/** Files that are open at a time. */
const MAX_OPEN_FILES = 64
/** How long a file may be missing before that is damage: retention deletes first and tells afterwards. Milliseconds. */
const MISSING_MS = 2_000
/** Places of damage that are remembered as told; beyond it they may be told again. */
const MAX_TOLD = 10_000

class Segment implements BlockSegment {
  readonly id: number
  readonly logPath: string
  readonly indexPath: string
  readonly frames = new Map<number, Slot>()
  readonly blocks: Block[] = []
  /** Stretches of the log that have no index, and are to be read from there. */
  unindexed: { readonly logStart: number; readonly logEnd: number }[] = []
  /** Rows of the block that the writer is still filling: put together, and as they came. */
  open: BlockRows | undefined
  added: AddedRows[] = []
  /** Up to where the index is known, and up to where there is one. */
  loaded = INDEX_HEADER
  indexSize: number
  /** A block of the index cannot be read: which spans are in it is not known. */
  unreadable = false
  dropped = false
  missing = false
  /** Service -> `kind name` of its operations. */
  readonly operations = new Map<string, Set<string>>()
  operationCount = 0

  constructor(directory: string, id: number, indexSize: number) {
    this.id = id
    this.logPath = logPath(directory, id)
    this.indexPath = indexPath(directory, id)
    this.indexSize = indexSize
  }
}

/**
 * The reading half's picture of the store: all segments and their blocks in the order in which they came, kept up to date by the
 * writer's changes. Filters, columns and frames are read when needed and kept in caches that are bounded in bytes, files are opened
 * as they are needed.
 */
export class Catalog {
  readonly #directory: string
  readonly #clock: Clock
  readonly #post: (event: StoreEvent) => void
  readonly #source: BlockSource
  readonly #fileSystem: FileSystem
  readonly #files: OpenFiles
  readonly #segments = new Map<number, Segment>()
  readonly #told = new Set<string>()

  /** `post` hears of damage, once for each place. */
  constructor(
    files: FileSystem,
    clock: Clock,
    directory: string,
    cacheBytes: number,
    post: (event: StoreEvent) => void,
  ) {
    this.#directory = directory
    this.#fileSystem = files
    this.#clock = clock
    this.#post = post
    this.#files = new OpenFiles(files, clock, MAX_OPEN_FILES)
    this.#source = {
      files: this.#files,
      // Frames have a small share of their own: a query needs few of them and seldom the same as the one before, and they
      // would push out the columns, which serve every query.
      frames: new ByteCache(cacheBytes / 8),
      columns: new ByteCache(cacheBytes - cacheBytes / 8),
      tell: (event, offset) => this.#tell(event, offset),
      missing: (segment) => this.#missing(segment as Segment),
    }
  }

  /** Takes in a change. Reads nothing: {@link load} does. */
  apply(change: Change): void {
    if (change.type === 'joined') return
    if (change.type === 'segment') {
      this.#segments.set(change.id, new Segment(this.#directory, change.id, change.indexSize))
      return
    }
    let segment = this.#segments.get(change.id)
    if (change.type === 'lost') {
      if (!segment) this.#segments.set(change.id, (segment = new Segment(this.#directory, change.id, 0)))
      segment.blocks.push(new LostBlock(change.range, change.refusal))
      return
    }
    if (!segment) return
    switch (change.type) {
      case 'rows':
        // Put together when somebody asks: most blocks are complete before.
        segment.added.push(change.rows)
        break
      case 'block':
        segment.indexSize = change.indexSize
        segment.open = undefined
        segment.added = []
        break
      case 'keep':
        segment.unindexed.push({ logStart: change.logStart, logEnd: change.logEnd })
        segment.open = undefined
        segment.added = []
        break
      case 'drop':
        this.#segments.delete(change.id)
        segment.dropped = true
        for (const slot of segment.frames.values()) this.#source.frames.empty(slot)
        this.#files.close(segment.logPath)
        this.#files.close(segment.indexPath)
        break
    }
  }

  /**
   * Reads what the indexes say of blocks that were heard of since the last time. Several may do so at once: each block is added by
   * one of them.
   */
  async load(turn: Turn): Promise<void> {
    for (const segment of this.#segments.values()) {
      while (segment.loaded < segment.indexSize && !segment.unreadable && !segment.missing && !segment.dropped) {
        const before = segment.loaded
        turn.attempt(() => this.#loadBlock(segment))
        if (segment.loaded === before) break
        if (turn.work(30_000) && (await turn.breathe())) return
      }
      while (segment.unindexed.length > 0 && !segment.missing && !segment.dropped) {
        const before = segment.unindexed.length
        turn.attempt(() => this.#loadStretch(segment))
        if (segment.unindexed.length === before) break
        if (turn.work(30_000_000) && (await turn.breathe())) return
      }
    }
  }

  /** Forgets all, to be told anew; queries that are under way keep what they have. */
  reset(): void {
    this.#segments.clear()
    this.#files.closeAll()
  }

  /** All blocks as they are now, oldest first. */
  blocks(turn: Turn): Block[] {
    this.#putTogether()
    const blocks: Block[] = []
    for (const segment of this.#segments.values()) {
      const isLoaded = segment.loaded >= segment.indexSize && segment.unindexed.length === 0
      if (segment.unreadable || (!isLoaded && !segment.missing)) turn.incomplete = true
      else if (!isLoaded) turn.miss(segment)
      for (const block of segment.blocks) blocks.push(block)
      // The open block goes on growing; a query sees what there is now. Its arrays are only ever added to.
      if (segment.open) {
        const { open } = segment
        const rows = { ...open, operations: [...open.operations], frames: [...open.frames] }
        blocks.push(new MemoryBlock(this.#source, segment, rows))
      }
    }
    return blocks
  }

  get segmentCount(): number {
    return this.#segments.size
  }

  get openFiles(): number {
    return this.#files.size
  }

  async services(turn: Turn): Promise<string[]> {
    this.#putTogether()
    const names = new Set<string>()
    for (const { operations } of this.#segments.values()) {
      for (const name of operations.keys()) names.add(name)
      if (turn.work(100 * operations.size) && (await turn.breathe())) break
    }
    return [...names].sort()
  }

  async operations(service: string | undefined, turn: Turn): Promise<{ name: string; kind: number }[]> {
    this.#putTogether()
    const keys = new Set<string>()
    for (const { operations } of this.#segments.values()) {
      for (const [name, entries] of operations) {
        if (service !== undefined && service !== name) continue
        for (const entry of entries) keys.add(entry)
        if (turn.work(100 * entries.size) && (await turn.breathe())) return []
      }
    }
    return [...keys].map((entry) => {
      const space = entry.indexOf(' ')
      return { name: entry.slice(space + 1), kind: Number(entry.slice(0, space)) }
    })
  }

  #putTogether(): void {
    for (const segment of this.#segments.values()) {
      for (const rows of segment.added) {
        segment.open ??= createRows(rows.count)
        appendRows(segment.open, rows)
        this.#addOperations(segment, rows.operations)
      }
      segment.added = []
    }
  }

  #loadStretch(segment: Segment): void {
    const { logStart, logEnd } = segment.unindexed[0]!
    const block = new LogBlock(this.#source, segment, logStart, logEnd)
    segment.unindexed.shift()
    segment.blocks.push(block)
    this.#addOperations(segment, block.operations)
  }

  #loadBlock(segment: Segment): void {
    const { loaded } = segment
    const read = reading(this.#source, segment, segment.indexPath, (file) => readBlock(file, loaded, segment.indexSize))
    const block = read && !(read instanceof StorageError) && isBlockMeta(read.meta) ? read : undefined
    if (!block) {
      segment.unreadable = true
      this.#tell(
        {
          code: 'damaged',
          file: basename(segment.indexPath),
          offset: loaded,
          bytes: segment.indexSize - loaded,
          maxSpans: undefined,
          perhaps: false,
          kept: undefined,
        },
        loaded,
      )
      return
    }
    segment.loaded = block.end
    segment.blocks.push(new StoredBlock(this.#source, segment, loaded, block))
    this.#addOperations(segment, block.meta.operations)
  }

  #addOperations(segment: Segment, operations: readonly OperationKey[]): void {
    for (const { service, name, kind } of operations) {
      let entries = segment.operations.get(service)
      if (segment.operationCount >= MAX_OPERATIONS && !entries) continue
      if (!entries) segment.operations.set(service, (entries = new Set()))
      if (segment.operationCount >= MAX_OPERATIONS) continue
      const before = entries.size
      entries.add(`${kind} ${name}`)
      segment.operationCount += entries.size - before
    }
  }

  #tell(event: Extract<StoreEvent, { code: 'damaged' | 'recovered' }>, offset: number): void {
    const place = `${event.file} ${offset}`
    if (this.#told.has(place)) return
    if (this.#told.size >= MAX_TOLD) this.#told.clear()
    this.#told.add(place)
    this.#post(event)
  }

  /** Not where the whole directory is gone: it may come back, and the writer tells of it. */
  #isGone({ logPath: log, indexPath: index, indexSize }: Segment): boolean {
    const files = this.#fileSystem
    try {
      if (files.identity(this.#directory) === undefined) return false
      return !files.stat(log) || (indexSize > 0 && !files.stat(index))
    } catch {
      return false
    }
  }

  /** A file is not there. Either it was deleted and the writer's word of it is on its way, or it should be there. */
  #missing(segment: Segment): void {
    if (segment.missing || segment.dropped) return
    segment.missing = true
    this.#clock.after(MISSING_MS, () => {
      segment.missing = false
      if (segment.dropped || this.#segments.get(segment.id) !== segment || !this.#isGone(segment)) return
      this.#tell(
        {
          code: 'damaged',
          file: basename(segment.logPath),
          offset: 0,
          bytes: 0,
          maxSpans: segment.blocks.reduce((spans, block) => spans + block.spans, 0),
          perhaps: false,
          kept: undefined,
        },
        0,
      )
    })
  }
}
