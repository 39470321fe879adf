import { StorageError } from '../../contract.ts'
import { BlockBuilder } from '../block/builder.ts'
import { bloomHas, ATTRIBUTE_PROBES, TRACE_PROBES } from '../block/bloom.ts'
import { ByteCache } from './byte-cache.ts'
import { hashWords } from '../block/hash.ts'
import type { File, FileSystem } from '../files/file-system.ts'
import { INDEX_HEADER, readBlock, readColumns, readFilter, startRange, type IndexBlock } from '../files/index-file.ts'
import { readFrame, readRecord } from '../files/log.ts'
import type { Change } from '../threads/protocol.ts'
import { appendRows, createRows, ROW_BYTES, type BlockRows, type Frame, type OperationKey } from '../block/rows.ts'
import { addFrame, indexPath, logPath } from '../files/segment.ts'

/** Distinct operations of one segment beyond which further ones are not listed by `operations`; search still finds them. */
const MAX_OPERATIONS = 20_000

interface SegmentFiles {
  readonly id: number
  readonly logPath: string
  readonly log: File
  readonly index: File
  blocks: Block[]
  /** Rows of the block that the writer is still filling. */
  open: BlockRows | undefined
  /** Further rows of it. Most of them become an index block before anybody asks, and are never put together. */
  added: BlockRows[]
  /** Service -> `kind name` of its operations. */
  readonly operations: Map<string, Set<string>>
  operationCount: number
}

interface Cached {
  readonly value: BlockRows | Uint32Array | undefined
}

/** A block as queries see it: bounds and filters to pass it by, columns and bytes to look into it. */
export interface Block {
  readonly spans: number
  readonly minStart: bigint
  readonly maxStart: bigint
  /** False when no span of this service is in it. */
  mayHaveService(service: string): boolean
  /** By the hash of its id, see {@link traceHash}. */
  mayHaveTrace(hash: number): boolean
  /** By the hash of a key, or of a key and value. */
  mayHaveAttribute(hash: number): boolean
  rows(): BlockRows
  /** The requests of one frame. Throws StorageError `corrupt`. */
  frame(frame: Frame): Buffer
}

/**
 * The reading half's picture of the store: all segments and their blocks in the order in which they came, kept up to date by the
 * writer's changes. Filters, columns and frames are read when needed and kept in caches that are bounded in bytes.
 */
export class Catalog {
  readonly #files: FileSystem
  readonly #directory: string
  readonly #cache: ByteCache<string, Cached>
  readonly #frames: ByteCache<string, Buffer>
  readonly #segments = new Map<number, SegmentFiles>()
  #serial = 0
  #users = 0
  #dropped: SegmentFiles[] = []
  /** Segments whose files are not there, though nobody has said that they were dropped. */
  readonly #gone = new Set<number>()
  /** Segments of which a block cannot be read. */
  readonly #damaged = new Set<number>()

  constructor(files: FileSystem, directory: string, cacheBytes: number) {
    this.#files = files
    this.#directory = directory
    // Frames have a small share of their own: a query needs few of them and seldom the same as the one before, and they
    // would push out the columns, which serve every query.
    this.#frames = new ByteCache(cacheBytes / 8)
    this.#cache = new ByteCache(cacheBytes - cacheBytes / 8)
  }

  apply(change: Change): void {
    if (change.type === 'joined') return
    if (change.type === 'segment') {
      this.#addSegment(change.id, change.indexSize)
      return
    }
    if (change.type === 'drop') {
      this.#gone.delete(change.id)
      this.#damaged.delete(change.id)
    }
    const segment = this.#segments.get(change.id)
    if (!segment) return
    switch (change.type) {
      case 'rows':
        segment.added.push(change.rows)
        break
      case 'block': {
        segment.open = undefined
        segment.added = []
        const block = readBlock(segment.index, change.offset, change.indexSize)
        if (!block) throw new StorageError('io', `${segment.logPath}: the index block just written cannot be read`)
        this.#addBlock(segment, block, change.offset)
        break
      }
      case 'keep':
        segment.open = undefined
        segment.added = []
        this.#addLogBlock(segment, change.logStart, change.logEnd)
        break
      case 'drop':
        this.#segments.delete(change.id)
        this.#dropped.push(segment)
        this.#closeDropped()
        break
    }
  }

  /** All blocks as they are now, oldest first. Until {@link release} their files stay open. */
  use(): Block[] {
    this.#users++
    return this.#blocks()
  }

  release(): void {
    this.#users--
    this.#closeDropped()
  }

  /** Forgets all, to be told anew; queries that are under way keep what they have. */
  reset(): void {
    this.#dropped.push(...this.#segments.values())
    this.#segments.clear()
    this.#gone.clear()
    this.#damaged.clear()
    this.#closeDropped()
  }

  /** Whether all that the writer has told of can be read. */
  get complete(): boolean {
    return this.#gone.size + this.#damaged.size === 0
  }

  /** Says that files are not there, as when somebody moved the directory away; undefined when all are. */
  get lack(): StorageError | undefined {
    if (this.#gone.size === 0) return undefined
    const [id] = this.#gone
    const path = logPath(this.#directory, id!)
    return new StorageError('io', `${path} is not there; put it back, or restart Spoor to go on without it`)
  }

  get segmentCount(): number {
    return this.#segments.size
  }

  services(): string[] {
    this.#putTogether()
    const names = new Set<string>()
    for (const { operations } of this.#segments.values()) for (const name of operations.keys()) names.add(name)
    return [...names].sort()
  }

  operations(service: string | undefined): { name: string; kind: number }[] {
    this.#putTogether()
    const keys = new Set<string>()
    for (const { operations } of this.#segments.values()) {
      for (const [name, entries] of operations) {
        if (service === undefined || service === name) for (const entry of entries) keys.add(entry)
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

  #blocks(): Block[] {
    this.#putTogether()
    const blocks: Block[] = []
    for (const segment of this.#segments.values()) {
      for (const block of segment.blocks) blocks.push(block)
      // The open block goes on growing; a query sees what there is now. Its arrays are only ever added to.
      if (segment.open) {
        const { open } = segment
        blocks.push(this.#memoryBlock(segment, { ...open, operations: [...open.operations], frames: [...open.frames] }))
      }
    }
    return blocks
  }

  #addSegment(id: number, indexSize: number): void {
    const files = this.#openFiles(id)
    if (!files) {
      this.#gone.add(id)
      return
    }
    const segment: SegmentFiles = {
      id,
      logPath: logPath(this.#directory, id),
      ...files,
      blocks: [],
      open: undefined,
      added: [],
      operations: new Map(),
      operationCount: 0,
    }
    this.#segments.set(id, segment)
    for (let at = INDEX_HEADER; at < indexSize;) {
      const block = readBlock(segment.index, at, indexSize)
      if (!block) {
        this.#damaged.add(id)
        break
      }
      this.#addBlock(segment, block, at)
      at = block.end
    }
  }

  /** Undefined when they are gone: the writer dropped them meanwhile, and has told so or will. */
  #openFiles(id: number): Pick<SegmentFiles, 'log' | 'index'> | undefined {
    let log: File | undefined
    try {
      log = this.#files.open(logPath(this.#directory, id), 'read')
      return { log, index: this.#files.open(indexPath(this.#directory, id), 'read') }
    } catch (error) {
      log?.close()
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  /** A stretch of the log that has no index. */
  #addLogBlock(segment: SegmentFiles, logStart: number, logEnd: number): void {
    const key = this.#serial++
    const rows = (): BlockRows => this.#cached(`r${key}`, () => rebuildRows(segment, logStart, logEnd), rowsBytes)
    const { count, operations } = rows()
    const [minStart, maxStart] = startRange(rows())
    this.#addOperations(segment, operations)
    const services = new Set(operations.map(({ service }) => service))
    segment.blocks.push({
      spans: count,
      minStart,
      maxStart,
      mayHaveService: (service) => services.has(service),
      mayHaveTrace: () => true,
      mayHaveAttribute: () => true,
      rows,
      frame: (frame) => this.#frame(segment, frame),
    })
  }

  #addOperations(segment: SegmentFiles, operations: readonly OperationKey[]): void {
    for (const { service, name, kind } of operations) {
      let entries = segment.operations.get(service)
      if (!entries) segment.operations.set(service, (entries = new Set()))
      if (segment.operationCount >= MAX_OPERATIONS) continue
      const before = entries.size
      entries.add(`${kind} ${name}`)
      segment.operationCount += entries.size - before
    }
  }

  #addBlock(segment: SegmentFiles, { meta, traceFilter, attributeFilter }: IndexBlock, offset: number): void {
    this.#addOperations(segment, meta.operations)
    const services = new Set(meta.operations.map(({ service }) => service))
    const { spans, logStart, logEnd } = meta
    const [traceCrc, attributeCrc] = meta.crcs
    const key = this.#serial++
    const load = (): BlockRows => {
      const block = readBlock(segment.index, offset, Infinity)
      return (block && readColumns(segment.index, block)) ?? rebuildRows(segment, logStart, logEnd)
    }
    const rows = (): BlockRows => this.#cached(`r${key}`, load, rowsBytes)
    const filter = (kind: 't' | 'a'): Uint32Array | undefined =>
      this.#cached(
        kind + key,
        () =>
          readFilter(
            segment.index,
            kind === 't' ? traceFilter : attributeFilter,
            kind === 't' ? traceCrc : attributeCrc,
          ),
        (bits) => bits?.byteLength ?? 0,
      )
    segment.blocks.push({
      spans,
      minStart: BigInt(meta.minStart),
      maxStart: BigInt(meta.maxStart),
      mayHaveService: (service) => services.has(service),
      mayHaveTrace: (hash) => {
        const bits = filter('t')
        return bits === undefined || bloomHas(bits, hash, TRACE_PROBES)
      },
      mayHaveAttribute: (hash) => {
        const bits = filter('a')
        return bits === undefined || bloomHas(bits, hash === 0 ? 1 : hash, ATTRIBUTE_PROBES)
      },
      rows,
      frame: (frame) => this.#frame(segment, frame),
    })
  }

  #memoryBlock(segment: SegmentFiles, rows: BlockRows): Block {
    const [minStart, maxStart] = startRange(rows)
    return {
      spans: rows.count,
      minStart,
      maxStart,
      mayHaveService: (service) => rows.operations.some((operation) => operation.service === service),
      mayHaveTrace: () => true,
      mayHaveAttribute: () => true,
      rows: () => rows,
      frame: (frame) => this.#frame(segment, frame),
    }
  }

  #frame(segment: SegmentFiles, frame: Frame): Buffer {
    const key = `${segment.id} ${frame.offset}`
    const found = this.#frames.get(key)
    if (found) return found
    const bytes = readFrame(segment.log, segment.logPath, frame)
    this.#frames.set(key, bytes, bytes.length)
    return bytes
  }

  #cached<T extends Cached['value']>(key: string, load: () => T, bytesOf: (value: T) => number): T {
    const found = this.#cache.get(key)
    if (found) return found.value as T
    const value = load()
    this.#cache.set(key, { value }, bytesOf(value) + 200)
    return value
  }

  #closeDropped(): void {
    if (this.#users > 0) return
    for (const segment of this.#dropped) closeFiles(segment)
    this.#dropped = []
  }
}

export function traceHash(id: Uint32Array): number {
  return hashWords(id[0]!, id[1]!, id[2]!, id[3]!)
}

function rowsBytes(rows: BlockRows): number {
  return (
    rows.count * ROW_BYTES +
    16 * (rows.traceCount + rows.groupCount) +
    64 * rows.frames.length +
    128 * rows.operations.length
  )
}

/** A block whose columns in the index are damaged, from the log. */
function rebuildRows(segment: SegmentFiles, logStart: number, logEnd: number): BlockRows {
  const builder = new BlockBuilder()
  for (let at = logStart; at < logEnd;) {
    const record = readRecord(segment.log, at, logEnd)
    if (!record) break
    for (const frame of record.frames) addFrame(builder, segment.log, segment.logPath, frame)
    at = record.end
  }
  return builder.rows
}

function closeFiles(segment: SegmentFiles): void {
  segment.log.close()
  segment.index.close()
}
