import { INDEX_HEADER } from '../files/index-file.ts'
import { indexPath, logPath, sealedPath } from '../files/segment.ts'
import { freeRows, type BlockRows, type OperationKey } from '../block/rows.ts'
import type { BlockSegment } from './block-source.ts'
import type { Block } from './block.ts'
import type { Slot } from './byte-cache.ts'
import { SegmentTraces } from './segment-traces.ts'

/** Distinct operations of one segment beyond which further ones are not listed by `operations`; search still finds them. */
export const MAX_OPERATIONS = 20_000

/** A segment as the readers know it: in the form of a log with its index, or the sealed one. */
export class Segment implements BlockSegment {
  readonly id: number
  readonly logPath: string
  readonly indexPath: string
  /** By which it is read; not that of the file any more when it is {@link isHeld}. */
  sealedPath: string
  /** Its file is kept open, as another one is about to take its place; what is known of it stays until that can be read. */
  isHeld = false
  /** Of the sealed form that is known; undefined where its headers are damaged. */
  salt: number | undefined
  /** It is to be held as soon as its sealed form is read, and can be opened. */
  toHold = false
  readonly frames = new Map<number, Slot>()
  /** Another one once it is learned what was not told. */
  traces = new SegmentTraces()
  readonly blocks: Block[] = []
  /** Stretches of the log that have no index, and are to be read from there. */
  unindexed: { readonly logStart: number; readonly logEnd: number }[] = []
  /** Rows of the block that the writer is still filling: put together, and as they came. */
  open: BlockRows | undefined
  added: BlockRows[] = []
  /** Up to where the index is known, and up to where there is one. */
  loaded = INDEX_HEADER
  indexSize: number
  /** There is a sealed form, of which nothing is known yet. */
  toSeal: { readonly isDamaged: boolean } | undefined
  /** A block of the index cannot be read: which spans are in it is not known. */
  unreadable = false
  dropped = false
  missing = false
  /** Service -> `kind name` of its operations. */
  readonly operations = new Map<string, Set<string>>()
  #operationCount = 0
  /** Some operations are not in the list. */
  isCrowded = false

  readonly #form: 'log' | 'sealed'

  /** `indexSize`: 0 when there is no index. */
  constructor(directory: string, id: number, form: 'log' | 'sealed', indexSize = 0) {
    this.id = id
    this.#form = form
    this.logPath = logPath(directory, id)
    this.indexPath = indexPath(directory, id)
    this.sealedPath = sealedPath(directory, id)
    this.indexSize = indexSize
    if (indexSize > INDEX_HEADER) this.traces.forget()
  }

  get hasLog(): boolean {
    return this.#form === 'log'
  }

  /** Of the files that it is read from. */
  get paths(): readonly string[] {
    if (!this.hasLog) return [this.sealedPath]
    return this.indexSize > 0 ? [this.logPath, this.indexPath] : [this.logPath]
  }

  /** There is another form of it to be read until the new one can be. */
  get isReplaced(): boolean {
    return this.hasLog || this.isHeld
  }

  /** Whether all blocks that there are can be asked. */
  get isLoaded(): boolean {
    if (this.hasLog) return this.loaded >= this.indexSize && this.unindexed.length === 0
    return this.isHeld || !this.toSeal
  }

  /** The writer has begun another block. */
  closeOpen(): void {
    this.open = undefined
    for (const rows of this.added) freeRows(rows)
    this.added = []
  }

  addOperations(operations: readonly OperationKey[]): void {
    for (const { service, name, kind } of operations) {
      let entries = this.operations.get(service)
      const entry = `${kind} ${name}`
      if (entries?.has(entry)) continue
      if (this.#operationCount >= MAX_OPERATIONS) {
        this.isCrowded = true
        continue
      }
      if (!entries) this.operations.set(service, (entries = new Set()))
      entries.add(entry)
      this.#operationCount++
    }
  }
}
