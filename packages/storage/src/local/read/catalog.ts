import { basename } from 'node:path'
import { StorageError } from '../../contract.ts'
import type { StoreEvent } from '../../events.ts'
import { appendRows, createRows, freeRows } from '../block/rows.ts'
import type { FileSystem } from '../files/file-system.ts'
import { ALL_TIME, readBlock } from '../files/index-file.ts'
import { readSealed, type SealedContents } from '../files/sealed-file.ts'
import type { Clock } from '../runtime.ts'
import type { Change } from '../threads/protocol.ts'
import type { SegmentBlocks } from './arrivals.ts'
import { reading, type BlockSource } from './block-source.ts'
import type { Block } from './block.ts'
import { LogBlock } from './log-block.ts'
import { LostBlock } from './lost-block.ts'
import { MemoryBlock } from './memory-block.ts'
import { StoredBlock } from './stored-block.ts'
import { isBlockMeta, isSectionMeta } from './block-meta.ts'
import { ByteCache } from './byte-cache.ts'
import { MAX_OPERATIONS, Segment } from './catalog-segment.ts'
import { OpenFiles } from './open-files.ts'
import { operationText, Pool, servicesText } from './pool.ts'
import { SealedBlock, SealedFilter } from './sealed-block.ts'
import { TraceLearner } from './trace-learner.ts'
import type { SegmentTraces } from './segment-traces.ts'
import { SupersededFiles } from './superseded-files.ts'
import type { Turn } from './turn.ts'

/** Files that are open at a time. */
const MAX_OPEN_FILES = 64
/** How long a file may be missing before that is damage: retention deletes first and tells afterwards. Milliseconds. */
const MISSING_MS = 2_000
/** Places of damage that are remembered as told; beyond it they may be told again. */
const MAX_TOLD = 10_000

/** Distinct sets of services of blocks, of a kilobyte or more each, that are shared. */
const MAX_SERVICE_SETS = 1_000

/** Whose catalog it is. */
export interface CatalogOwner {
  /** Hears of damage, once for each place. */
  tell(event: StoreEvent): void
  /** Hears that of a segment the sealed form is read from now on. */
  switched(id: number): void
  /** Hears that what is there of a sealed segment is kept open. */
  held(id: number): void
  /** The queries that are under way; see {@link Catalog.ended}. */
  users(): Iterable<object>
}

/** Filters of trace ids that are kept, in bytes: of blocks and sealed forms, of some 20 million spans; and of segments that are not sealed, of 10 to 20 million traces. */
const TRACE_FILTER_BYTES = 8 << 20
const SEGMENT_FILTER_BYTES = 15 << 20

/**
 * The reading half's picture of the store: all segments and their blocks in the order in which they came, kept up to date by the
 * writer's changes. Filters, columns and frames are read when needed and kept in caches that are bounded in bytes, files are opened
 * as they are needed.
 */
export class Catalog {
  readonly #directory: string
  readonly #clock: Clock
  readonly #owner: CatalogOwner
  readonly #source: BlockSource
  readonly #fileSystem: FileSystem
  readonly #files: OpenFiles
  readonly #segments = new Map<number, Segment>()
  readonly #told = new Set<string>()
  #isCrowdTold = false
  readonly #superseded: SupersededFiles
  readonly #learner = new TraceLearner(
    this.#segments,
    (segment, traces) => {
      this.#keepTraces(traces)
      segment.traces = traces
    },
    () => [...this.#segments.values()].reduce((room, { traces }) => room + traces.bytesToFold, this.#traceRoom),
  )

  constructor(files: FileSystem, clock: Clock, directory: string, cacheBytes: number, owner: CatalogOwner) {
    this.#directory = directory
    this.#fileSystem = files
    this.#clock = clock
    this.#owner = owner
    this.#files = new OpenFiles(files, clock, MAX_OPEN_FILES)
    this.#superseded = new SupersededFiles(this.#files, () => owner.users())
    this.#source = {
      files: this.#files,
      // Frames have a small share of their own: a query needs few of them and seldom the same as the one before, and they
      // would push out the columns, which serve every query.
      frames: new ByteCache(cacheBytes / 8),
      columns: new ByteCache(cacheBytes - cacheBytes / 8),
      traceFilters: new ByteCache(TRACE_FILTER_BYTES),
      operations: new Pool(operationText),
      texts: new Pool((text) => text),
      services: new Pool(servicesText, MAX_SERVICE_SETS),
      tell: (event, offset) => this.#tell(event, offset),
      missing: (segment) => this.#missing(segment as Segment),
    }
  }

  /** Takes in a change. Reads nothing: {@link load} does. */
  apply(change: Change): void {
    if (change.type === 'joined') return
    if (change.type === 'segment') {
      this.#closeTraces()
      this.#segments.set(change.id, new Segment(this.#directory, change.id, 'log', change.indexSize))
      return
    }
    let segment = this.#segments.get(change.id)
    if (change.type === 'lost') {
      if (!segment) this.#segments.set(change.id, (segment = new Segment(this.#directory, change.id, 'log')))
      segment.blocks.push(new LostBlock(change.range, change.refusal))
      segment.traces.forget()
      return
    }
    if (change.type === 'sealed') {
      // What is known without a log was told when that could not be read.
      const isKnown = segment?.hasLog && segment.indexSize + segment.unindexed.length + segment.blocks.length > 0
      if (!segment || (!isKnown && !segment.isHeld))
        this.#segments.set(change.id, (segment = new Segment(this.#directory, change.id, 'sealed')))
      segment.toSeal = { isDamaged: change.isDamaged }
      return
    }
    if (change.type === 'hold') {
      if (segment) segment.toHold = true
      if (segment) this.#hold(segment)
      else this.#owner.held(change.id)
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
        segment.traces.add(change.traces)
        segment.closeOpen()
        break
      case 'keep':
        segment.unindexed.push({ logStart: change.logStart, logEnd: change.logEnd })
        segment.closeOpen()
        break
      case 'drop':
        this.#segments.delete(change.id)
        segment.dropped = true
        for (const slot of segment.frames.values()) this.#source.frames.empty(slot)
        for (const path of segment.paths) this.#files.close(path)
        this.#superseded.drop(change.id)
        break
    }
  }

  /**
   * Reads what the indexes say of blocks that were heard of since the last time. Several may do so at once: each block is added by
   * one of them.
   */
  async load(turn: Turn): Promise<void> {
    for (const segment of this.#segments.values()) {
      if (segment.toHold) this.#hold(segment)
      if (segment.toSeal && !segment.missing) {
        this.#loadSealed(segment, turn)
        if (turn.work(300_000) && (await turn.breathe())) return
        if (this.#segments.get(segment.id) !== segment) continue
      }
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
      // Its log was gone, as it has been sealed.
      if (segment.toSeal && !segment.isLoaded) this.#loadSealed(segment, turn)
    }
  }

  /** See {@link TraceLearner.step}. */
  learnTraces(): boolean {
    return this.#learner.step()
  }

  /** Forgets all, to be told anew; queries that are under way keep what they have. */
  reset(): void {
    this.#segments.clear()
    this.#superseded.clear()
    this.#files.closeAll()
  }

  /** A query that was under way has ended. */
  ended(user: object): void {
    this.#superseded.ended(user)
  }

  /** All blocks as they are now, oldest first. `trace`: the hash of the only one that is looked for; what is known not to have it is left out. */
  blocks(turn: Turn, trace?: number): Block[] {
    this.#putTogether()
    const blocks: Block[] = []
    for (const segment of this.#segments.values()) {
      noteGaps(segment, turn)
      if (trace !== undefined) segment.traces.find(segment.blocks, trace, blocks)
      else for (const block of segment.blocks) blocks.push(block)
      const open = this.#openBlock(segment)
      if (open) blocks.push(open)
    }
    return blocks
  }

  /** The same by segments. */
  segments(turn: Turn): SegmentBlocks[] {
    this.#putTogether()
    return Array.from(this.#segments.values(), (segment) => {
      noteGaps(segment, turn)
      const { id, isLoaded, unreadable, hasLog } = segment
      const open = this.#openBlock(segment)
      const blocks = open ? [...segment.blocks, open] : [...segment.blocks]
      return { id, isInOrder: hasLog, isKnown: isLoaded || unreadable, blocks }
    })
  }

  /** It goes on growing; a query sees what there is now. Its arrays are only ever added to. */
  #openBlock(segment: Segment): MemoryBlock | undefined {
    const { open } = segment
    if (!open) return undefined
    const rows = { ...open, operations: [...open.operations], frames: [...open.frames] }
    return new MemoryBlock(this.#source, segment, rows)
  }

  get segmentCount(): number {
    return this.#segments.size
  }

  /** From all files, so far. */
  get bytesRead(): number {
    return this.#files.bytesRead
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
    for (const segment of this.#segments.values()) {
      if (segment.isCrowded) this.#tellCrowded(segment)
      for (const [name, entries] of segment.operations) {
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

  #tellCrowded({ paths, operations }: Segment): void {
    if (this.#isCrowdTold) return
    this.#isCrowdTold = true
    const [service] = [...operations].reduce((most, next) => (next[1].size > most[1].size ? next : most))
    this.#owner.tell({ code: 'crowded', file: basename(paths[0]!), maxOperations: MAX_OPERATIONS, service })
  }

  /** The writer goes on with another segment. */
  #closeTraces(): void {
    for (const { traces } of this.#segments.values()) this.#keepTraces(traces)
  }

  /** Where there is no room for all, the oldest let more through. */
  #keepTraces(traces: SegmentTraces): void {
    if (traces.bytesToClose === 0) {
      traces.close(0)
      return
    }
    let room = this.#traceRoom
    for (const { traces: older } of this.#segments.values()) {
      if (traces.bytesToClose <= room) break
      room += older.fold()
    }
    traces.close(room)
  }

  get #traceRoom(): number {
    let room = SEGMENT_FILTER_BYTES
    for (const { traces } of this.#segments.values()) room -= traces.bytes
    return room
  }

  #putTogether(): void {
    for (const segment of this.#segments.values()) {
      for (const rows of segment.added) {
        segment.open ??= createRows(rows.count)
        appendRows(segment.open, rows)
        segment.addOperations(rows.operations)
        freeRows(rows)
      }
      segment.added = []
    }
  }

  /**
   * Reads what is in the sealed form, and takes it for the log, or the form before it, from now on. As long as that cannot be read, or is not whole, what
   * is there is read on.
   */
  #loadSealed(segment: Segment, turn: Turn): void {
    const { id, isReplaced, toSeal } = segment
    const sealed = isReplaced ? new Segment(this.#directory, id, 'sealed') : segment
    const { sealedPath } = sealed
    const read = (): SealedContents => {
      const found = reading(this.#source, sealed, sealedPath, (file) => readSealed(file, sealedPath))
      if (found instanceof StorageError) throw found
      return found
    }
    const contents = isReplaced ? quietly(read) : turn.attempt(read)
    if (!contents || (isReplaced && (contents.lost || !contents.header))) {
      // Another file may take its place.
      this.#files.close(sealedPath)
      return
    }
    const { sections, header, lost } = contents
    const filter = new SealedFilter(this.#source, sealed, contents.filter)
    for (const section of sections) {
      if (isSectionMeta(section.meta)) {
        const block = new SealedBlock(this.#source, sealed, filter, section)
        sealed.blocks.push(block)
        sealed.addOperations(block.operations)
      } else sealed.unreadable = true
    }
    if (lost) {
      const [min, max] = header ? [header.minStart, header.maxStart] : ALL_TIME
      sealed.blocks.push(new LostBlock([String(min), String(max)]))
      const file = basename(sealedPath)
      if (!toSeal!.isDamaged)
        this.#tell({ code: 'damaged', file, ...lost, perhaps: false, kept: undefined }, lost.offset)
    }
    sealed.salt = header?.salt
    sealed.toSeal = undefined
    sealed.toHold = segment.toHold
    if (sealed.toHold) this.#hold(sealed)
    if (!isReplaced) return
    // Whoever has asked for its blocks knows that he has not got all; nothing else of it is missed.
    if (!segment.isLoaded) segment.dropped = true
    this.#segments.set(id, sealed)
    for (const slot of segment.frames.values()) this.#source.frames.empty(slot)
    this.#superseded.add(segment)
    this.#owner.switched(id)
  }

  /** What is read of it from now on is what is there now, whatever gets its name. Where that cannot be now, {@link load} tries again. */
  #hold(segment: Segment): void {
    const { id, sealedPath, hasLog, isHeld, toSeal } = segment
    if (hasLog || (toSeal && !isHeld)) return
    const name = `${sealedPath} (replaced)`
    if (!isHeld && !this.#files.holdAs(sealedPath, name)) return
    if (!isHeld) segment.sealedPath = name
    segment.isHeld = true
    segment.toHold = false
    this.#owner.held(id)
  }

  #loadStretch(segment: Segment): void {
    const { logStart, logEnd } = segment.unindexed[0]!
    const block = new LogBlock(this.#source, segment, logStart, logEnd)
    segment.unindexed.shift()
    segment.blocks.push(block)
    segment.traces.forget()
    segment.addOperations(block.operations)
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
    const stored = new StoredBlock(this.#source, segment, block, segment.blocks.length)
    segment.blocks.push(stored)
    segment.addOperations(stored.operations)
  }

  #tell(event: Extract<StoreEvent, { code: 'damaged' | 'recovered' }>, offset: number): void {
    const place = `${event.file} ${offset}`
    if (this.#told.has(place)) return
    if (this.#told.size >= MAX_TOLD) this.#told.clear()
    this.#told.add(place)
    this.#owner.tell(event)
  }

  /** Not where the whole directory is gone: it may come back, and the writer tells of it. */
  #isGone({ paths }: Segment): boolean {
    const files = this.#fileSystem
    try {
      if (files.identity(this.#directory) === undefined) return false
      return paths.some((path) => !files.stat(path))
    } catch {
      return false
    }
  }

  #isThere(path: string): boolean {
    try {
      return this.#fileSystem.stat(path) !== undefined
    } catch {
      return false
    }
  }

  /** A file is not there. Either it was deleted and the writer's word of it is on its way, or it should be there. */
  #missing(segment: Segment): void {
    if (segment.missing || segment.dropped) return
    // Who has the directory, and is not who tells this reader, may have sealed it.
    if (segment.hasLog && this.#isThere(segment.sealedPath)) {
      segment.toSeal = { isDamaged: false }
      return
    }
    // ... or reduced it.
    if (!segment.hasLog && !segment.isHeld && this.#isThere(segment.sealedPath)) {
      segment.isHeld = true
      segment.toSeal = { isDamaged: false }
      return
    }
    segment.missing = true
    this.#clock.after(MISSING_MS, () => {
      segment.missing = false
      if (segment.dropped || this.#segments.get(segment.id) !== segment || !this.#isGone(segment)) return
      this.#tell(
        {
          code: 'damaged',
          file: basename(segment.paths[0]!),
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

/** Tells a query what it cannot know of a segment. */
function noteGaps(segment: Segment, turn: Turn): void {
  const { isLoaded, unreadable, missing } = segment
  if (unreadable || (!isLoaded && !missing)) turn.incomplete = true
  else if (!isLoaded) turn.miss(segment)
}

/** Undefined when it cannot be read, whatever the reason. */
function quietly<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
