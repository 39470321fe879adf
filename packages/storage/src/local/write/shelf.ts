import { join } from 'node:path'
import type { StoreEvent } from '../../events.ts'
import type { FileSystem } from '../files/file-system.ts'
import { INDEX_HEADER, readBlock } from '../files/index-file.ts'
import { FILE_HEADER, readRecord } from '../files/log.ts'
import { deleteSegment, emptySegment, indexPath, logPath, sealedPath, segmentBytes } from '../files/segment.ts'
import { sealedState } from '../files/survey.ts'
import type { KeptForm } from '../seal/keep-traces.ts'
import type { Change } from '../threads/protocol.ts'
import { DROP_REASONS, type ClosedSegment, type Drop } from './retention.ts'

/** Where damaged pieces are kept aside. */
const DAMAGED = 'damaged'
/** They count against the limit, but for no more than this share of it: else they would push out all that can be read. */
const DAMAGED_SHARE = 0.5

export interface ShelvedSegment extends ClosedSegment {
  /** What readers are told of it. */
  readonly changes: readonly Change[]
  /** Bytes of its log that count; undefined when it is sealed, or cannot be. */
  readonly logSize?: number
  /** What it takes less than its log and index took; undefined when it is not sealed, or has been reduced. */
  readonly savedBytes?: number
  /** It has been reduced to what is kept longer, be it nothing. These are the oldest ones. */
  readonly kept?: { readonly spans: number }
}

/** A segment whose turn has come, and what became of it. */
export interface Outcome extends Drop<ShelvedSegment> {
  /** What was in it; undefined: to be looked up. */
  readonly contents?: Contents
  /** It has its place now. Undefined: all of it goes. */
  readonly kept?: KeptForm
}

interface Parts {
  readonly kept: readonly ShelvedSegment[]
  readonly keptBytes: number
  readonly whole: readonly ShelvedSegment[]
}

/** The closed segments of a store and what they take on disk; no file of theirs is kept open. */
export class Shelf {
  readonly #files: FileSystem
  readonly #directory: string
  readonly #maxBytes: number
  #segments: ShelvedSegment[] = []
  /** Made when it is asked for. */
  #parts: Parts | undefined
  #bytes = 0
  /** Files that could not be deleted, by segment; they go on counting. */
  readonly #undeleted = new Map<number, number>()
  #damagedBytes = 0

  constructor(files: FileSystem, directory: string, maxBytes: number) {
    this.#files = files
    this.#directory = directory
    this.#maxBytes = maxBytes
  }

  /** Oldest first. */
  get segments(): readonly ShelvedSegment[] {
    return this.#segments
  }

  /** Those that were reduced to what is kept longer, oldest first. */
  get kept(): readonly ShelvedSegment[] {
    return this.#divided().kept
  }

  get keptBytes(): number {
    return this.#divided().keptBytes
  }

  /** All others, oldest first. */
  get whole(): readonly ShelvedSegment[] {
    return this.#divided().whole
  }

  /** All that is kept here, deleted in vain, or aside. */
  get bytes(): number {
    return this.#bytes + this.otherBytes
  }

  get otherBytes(): number {
    let bytes = Math.min(this.#damagedBytes, DAMAGED_SHARE * this.#maxBytes)
    for (const size of this.#undeleted.values()) bytes += size
    return bytes
  }

  /** Segments are added in the order of their ids. */
  add(segment: ShelvedSegment): void {
    this.#segments.push(segment)
    this.#parts = undefined
    this.#bytes += segment.bytes
  }

  /** What is known of one has changed. False when it is not here any more. */
  replace(segment: ShelvedSegment): boolean {
    const at = this.#segments.findIndex(({ id }) => id === segment.id)
    if (at < 0) return false
    this.#bytes += segment.bytes - this.#segments[at]!.bytes
    this.#segments = this.#segments.with(at, segment)
    this.#parts = undefined
    return true
  }

  has(id: number): boolean {
    return this.#segments.some((segment) => segment.id === id)
  }

  /** What of these was dropped, as events; a reason each. Files that cannot be deleted are left for {@link deleteAgain}. */
  drop(outcomes: readonly Outcome[]): StoreEvent[] {
    const events: StoreEvent[] = []
    const goes = new Set(outcomes.filter(({ kept }) => !kept).map(({ segment }) => segment.id))
    const first = this.#segments.find(({ id }) => !goes.has(id))?.id ?? Infinity
    for (const reason of DROP_REASONS) {
      const dropped = outcomes.filter((outcome) => outcome.reason === reason)
      if (dropped.length === 0) continue
      const segments = dropped.map(({ segment }) => segment)
      const found = dropped.map(
        ({ segment, contents }) => contents ?? contentsOf(this.#files, this.#directory, segment.id),
      )
      for (const { segment, kept } of dropped) {
        if (kept) this.#reduce(segment, kept)
        else this.#take(segment, segment.id > first)
      }
      const keptSpans = dropped.reduce((sum, { kept }) => sum + (kept?.spans ?? 0), 0)
      const keptBytes = dropped.reduce((sum, { kept }) => sum + (kept?.size ?? 0), 0)
      const spans = found.reduce((sum, contents) => sum + contents.spans, 0) - keptSpans
      // Empty ones that held a place, or that nothing had to go of.
      if (spans === 0 && dropped.every(({ segment, kept }) => kept ?? segment.kept)) continue
      const times = found.flatMap(({ oldest, newest }) => (oldest === undefined ? [] : [oldest, newest!]))
      events.push({
        code: 'dropped',
        reason,
        segments: segments.length,
        spans,
        bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0) - keptBytes,
        oldest: times.reduce<bigint | undefined>((a, b) => (a === undefined || b < a ? b : a), undefined)?.toString(),
        newest: times.reduce<bigint | undefined>((a, b) => (a === undefined || b > a ? b : a), undefined)?.toString(),
      })
    }
    return events
  }

  get hasUndeleted(): boolean {
    return this.#undeleted.size > 0
  }

  #divided(): Parts {
    if (this.#parts) return this.#parts
    const kept = this.#segments.filter((segment) => segment.kept)
    const keptBytes = kept.reduce((sum, { bytes }) => sum + bytes, 0)
    return (this.#parts = { kept, keptBytes, whole: this.#segments.filter((segment) => !segment.kept) })
  }

  /** The file has been replaced. */
  #reduce({ id, createdMs, endedMs, closedAtMs }: ShelvedSegment, { size, spans }: KeptForm): void {
    const changes = [{ type: 'sealed', id, isDamaged: false }] as const
    this.replace({ id, createdMs, endedMs, closedAtMs, bytes: size, changes, kept: { spans } })
  }

  /** `holdsPlace`: older ones stay. */
  #take(segment: ShelvedSegment, holdsPlace: boolean): void {
    this.#undeleted.set(segment.id, segment.bytes)
    if (holdsPlace) {
      const { id, createdMs, endedMs, closedAtMs } = segment
      this.replace({ id, createdMs, endedMs, closedAtMs, bytes: FILE_HEADER, changes: [], kept: { spans: 0 } })
      return
    }
    this.#segments = this.#segments.filter(({ id }) => id !== segment.id)
    this.#parts = undefined
    this.#bytes -= segment.bytes
  }

  /**
   * Deletes what is to be deleted, or empties it where it holds a place. Throws the first error after it has tried all; the rest is tried the next time.
   * Those after one that cannot be deleted are emptied until it can.
   */
  deleteAgain(): void {
    const errors: unknown[] = []
    for (const id of this.#undeleted.keys()) {
      try {
        const holdsPlace = this.has(id)
        if (errors.length > 0 || holdsPlace) {
          emptySegment(this.#files, this.#directory, id)
          if (holdsPlace) this.#undeleted.delete(id)
          else this.#undeleted.set(id, this.#sizeOf(id))
          continue
        }
        deleteSegment(this.#files, this.#directory, id)
        this.#undeleted.delete(id)
      } catch (error) {
        errors.push(error)
        this.#undeleted.set(id, this.#sizeOf(id))
      }
    }
    if (errors.length > 0) throw errors[0]
  }

  /** Looks up how much is kept aside. */
  countDamaged(): void {
    this.#damagedBytes = 0
    try {
      const path = join(this.#directory, DAMAGED)
      if (!this.#files.stat(path)) return
      for (const name of this.#files.list(path)) this.#damagedBytes += this.#files.stat(join(path, name))?.size ?? 0
    } catch {
      // What cannot be looked up does not count.
    }
  }

  #sizeOf(id: number): number {
    try {
      return segmentBytes(this.#files, this.#directory, id)
    } catch {
      return this.#undeleted.get(id)!
    }
  }
}

export interface Contents {
  readonly spans: number
  readonly oldest: bigint | undefined
  readonly newest: bigint | undefined
}

/** What a segment has: by its sealed form, else by its index, and where that ends by its log's records. As far as it can be read. */
export function contentsOf(files: FileSystem, directory: string, id: number): Contents {
  const sealed = sealedState(files, sealedPath(directory, id))
  if (sealed?.state === 'ok') {
    const { spans, minStart, maxStart } = sealed.header
    return spans > 0 ? { spans, oldest: minStart, newest: maxStart } : { spans, oldest: undefined, newest: undefined }
  }
  let spans = 0
  let oldest: bigint | undefined
  let newest: bigint | undefined
  let covered = FILE_HEADER
  try {
    const index = files.open(indexPath(directory, id), 'read')
    try {
      const size = index.size()
      for (let at = INDEX_HEADER; at < size;) {
        const block = readBlock(index, at, size)
        if (!block) break
        spans += block.meta.spans
        const [from, to] = [BigInt(block.meta.minStart), BigInt(block.meta.maxStart)]
        if (oldest === undefined || from < oldest) oldest = from
        if (newest === undefined || to > newest) newest = to
        covered = block.meta.logEnd
        at = block.end
      }
    } finally {
      index.close()
    }
  } catch {
    // The log has it all.
  }
  try {
    const log = files.open(logPath(directory, id), 'read')
    try {
      const size = log.size()
      for (let record = readRecord(log, covered, size); record; record = readRecord(log, record.end, size))
        spans += record.spans
    } finally {
      log.close()
    }
  } catch {
    // It is deleted all the same.
  }
  return { spans, oldest, newest }
}
