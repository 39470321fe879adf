/**
 * Fragments of traces in a folder: what was put outlives the process, though not a loss of power. They are written as they come and read where they lie; a file of them is
 * deleted when all of it, and all before it, is done with. So a trace that waits costs a part of one write, and a read when it is decided.
 *
 *     00000001.traces   records `put` (the fragments of a request) and `removed` (places)
 *     00000001.marks    records `marks` (what is known of traces that do not wait any more)
 *     lock.sqlite       whose lock says that a process has the folder
 */
import os from 'node:os'
import { join } from 'node:path'
import { CollectorError, diskSpace, SqliteFile, type Logger } from '../../component/index.ts'
import type { Fragment } from './fragments.ts'
import { Segments } from './segments.ts'
import { wordsOf } from './trace-id.ts'
import type { Found, Mark, PersistentStore } from './trace-log.ts'

const WHAT = 'log of waiting traces'
const LOCK_SCHEMA = 'CREATE TABLE IF NOT EXISTS lock (held INTEGER) STRICT'
const TRACES_BYTES = 16 * 1024 * 1024
const MARKS_BYTES = 1024 * 1024
/**
 * Left of the disk for others, in MiB, and of a small disk: twice what a persistent queue leaves, so that traces can go on to one that is on the same disk. Files are
 * smaller there, too, as one is deleted as a whole.
 */
const RESERVE_MIB = 32
const RESERVE_SHARE = 1 / 2
const FILES_OF_RESERVE = 2

/** Words of ids are in the order of this machine. */
const IS_LITTLE = os.endianness() === 'LE'

const PUT = 1
const REMOVED = 2
const MARKS = 3
/** In front of a fragment's bytes: the trace's id, its spans, whether a root is among them, how many bytes there are. */
const FRAGMENT_HEAD_BYTES = 25
const PLACE_BYTES = 8
/** Of a mark: the trace's id, its state, how long its note is. */
const MARK_HEAD_BYTES = 19
const NO_NOTE = 0xffff

export interface SegmentLogOptions {
  /** Of all files together; what does not fit is refused for now. */
  readonly maxBytes: number
  readonly logger: Logger
}

export class SegmentLog implements PersistentStore {
  readonly isPersistent = true
  readonly #folder: string
  readonly #options: SegmentLogOptions
  readonly #lock: SqliteFile
  readonly #traces: Segments
  readonly #marks: Segments
  /** What is to be written at the end of the turn: places that are removed, and marks. */
  #removed: number[] = []
  readonly #marked = new MarksToWrite()
  #isFlushing = false
  #isClosed = false

  /** @throws CollectorError `unavailable` where another process has the folder, or the system does not let it be used */
  static open(folder: string, options: SegmentLogOptions): SegmentLog {
    const { logger } = options
    const lock = { what: WHAT, schema: LOCK_SCHEMA, fsync: false, logger }
    return SqliteFile.open(join(folder, 'lock.sqlite'), lock, (file) => new SegmentLog(folder, options, file))
  }

  private constructor(folder: string, options: SegmentLogOptions, lock: SqliteFile) {
    this.#folder = folder
    this.#options = options
    this.#lock = lock
    const { reserve } = diskSpace(folder, RESERVE_MIB, RESERVE_SHARE)
    this.#traces = new Segments(folder, '.traces', Math.min(TRACES_BYTES, reserve / FILES_OF_RESERVE))
    this.#marks = new Segments(folder, '.marks', MARKS_BYTES)
  }

  put(fragments: readonly Fragment[]): number[] {
    const places: number[] = []
    let length = 0
    for (const { bytes } of fragments) {
      length += FRAGMENT_HEAD_BYTES
      places.push(length)
      length += bytes.length
    }
    const { maxBytes } = this.#options
    if (this.#traces.byteLength + length > maxBytes) {
      const message = `the ${WHAT} in ${this.#folder} has ${this.#traces.byteLength} of ${maxBytes} bytes; try again`
      throw new CollectorError('overloaded', message, { retryAfterMs: 1000 })
    }
    let place: number
    try {
      const { free, reserve } = diskSpace(this.#folder, RESERVE_MIB, RESERVE_SHARE)
      if (free < reserve + length)
        throw new Error(
          `its disk has ${free} bytes left, of which ${reserve} are kept for what takes traces out; make room there`,
        )
      place = this.#traces.write(PUT, length, (record, at) => writeFragments(record, at, fragments))
    } catch (error) {
      const message = `the ${WHAT} in ${this.#folder} cannot be written: ${(error as Error).message}`
      throw new CollectorError('unavailable', message, { cause: error })
    }
    this.#traces.keep(place, fragments.length)
    for (let index = 0; index < places.length; index++) places[index]! += place
    return places
  }

  /** Throws `internal` where it cannot be read. */
  read(place: number, length: number): Uint8Array {
    try {
      return this.#traces.read(place, length)
    } catch (error) {
      const message = `a fragment of the ${WHAT} in ${this.#folder} cannot be read: ${(error as Error).message}`
      throw new CollectorError('internal', message, { cause: error })
    }
  }

  remove(places: readonly number[]): void {
    for (const place of places) {
      this.#traces.release(place)
      this.#removed.push(place)
    }
    this.#flushSoon()
  }

  /** What is in it, the oldest first; to be read before anything is put. */
  *found(): Generator<Found> {
    const removed = new Set<number>()
    for (const { type, body } of this.#traces.records((file, at) => this.#tellDamage(file, at))) {
      if (type !== REMOVED) continue
      for (let at = 0; at < body.length; at += PLACE_BYTES) removed.add(body.readDoubleLE(at))
    }
    for (const { type, place, body } of this.#traces.records(() => {})) {
      if (type !== PUT) continue
      for (let at = 0; at < body.length;) {
        const head = body.subarray(at, at + FRAGMENT_HEAD_BYTES)
        const length = head.readUInt32LE(21)
        const ref = place + at + FRAGMENT_HEAD_BYTES
        at += FRAGMENT_HEAD_BYTES + length
        if (removed.has(ref)) continue
        this.#traces.keep(ref)
        const words = wordsOf(Uint8Array.from(head.subarray(0, 16)))
        yield { ref, length, spans: head.readUInt32LE(16), hasRoot: head[20] === 1, words, at: 0 }
      }
    }
    this.#traces.tidy()
  }

  /** What is known of traces, the oldest first. */
  *marks(): Generator<Mark> {
    for (const { place, body } of this.#marks.records((file, at) => this.#tellDamage(file, at))) {
      for (let at = 0; at < body.length;) {
        const words = wordsOf(Uint8Array.from(body.subarray(at, at + 16)))
        const state = body[at + 16]!
        const length = body.readUInt16LE(at + 17)
        const [number, noteAt] = [place + at, at + MARK_HEAD_BYTES]
        at = noteAt + (length === NO_NOTE ? 0 : length)
        this.#marks.keep(number)
        yield { number, words, at: 0, state, note: length === NO_NOTE ? null : body.toString('utf8', noteAt, at) }
      }
    }
  }

  /** Remembers what is known of a trace; 0 where it cannot be written, which is found out again after the next start. */
  mark(words: Uint32Array, at: number, state: number, note: string | null): number {
    let number: number
    try {
      number = this.#marks.somewhere()
    } catch {
      return 0
    }
    this.#marks.keep(number)
    this.#marked.add(words, at, state, note)
    this.#flushSoon()
    return number
  }

  unmark(number: number): void {
    this.#marks.release(number)
    this.#marks.tidy()
  }

  close(): void {
    if (this.#isClosed) return
    this.#flush()
    this.#isClosed = true
    this.#traces.close()
    this.#marks.close()
    this.#lock.close()
  }

  #flushSoon(): void {
    if (this.#isFlushing) return
    this.#isFlushing = true
    setImmediate(() => this.#flush())
  }

  /** What cannot be written is found after the next start as it was. */
  #flush(): void {
    this.#isFlushing = false
    if (this.#isClosed) return
    const [removed, marked] = [this.#removed, this.#marked.take()]
    this.#removed = []
    this.#traces.tidy()
    this.#traces.begin()
    const left = removed.filter((place) => this.#traces.has(place))
    try {
      // A trace that is decided is known to be so before its spans are known to be gone.
      if (marked.length > 0) this.#marks.write(MARKS, marked.length, (record, at) => record.set(marked, at))
      if (left.length > 0)
        this.#traces.write(REMOVED, PLACE_BYTES * left.length, (record, from) => {
          let at = from
          for (const place of left) at = record.writeDoubleLE(place, at)
        })
    } catch {
      // The disk is full, or has gone.
    }
  }

  #tellDamage(file: string, atByte: number): void {
    this.#options.logger.error({ file, at_byte: atByte }, `A file of the ${WHAT} is damaged; what is behind is lost.`)
  }
}

/** The body of a record `put`: each fragment behind its head. */
function writeFragments(record: Buffer, from: number, fragments: readonly Fragment[]): void {
  let at = from
  for (const { words, at: word, spans, hasRoot, bytes } of fragments) {
    at = writeId(record, at, words, word)
    at = record.writeUInt32LE(spans, at)
    at = record.writeUInt8(hasRoot ? 1 : 0, at)
    at = record.writeUInt32LE(bytes.length, at)
    record.set(bytes, at)
    at += bytes.length
  }
}

/** Returns where it ends. */
function writeId(record: Buffer, from: number, words: Uint32Array, word: number): number {
  let at = from
  for (let i = word; i < word + 4; i++)
    at = IS_LITTLE ? record.writeUInt32LE(words[i]!, at) : record.writeUInt32BE(words[i]!, at)
  return at
}

/** Marks in the form in which they are written, one behind the other. */
class MarksToWrite {
  #bytes = Buffer.allocUnsafeSlow(1024)
  #length = 0
  /** Of what is written again and again, the names of policies. */
  readonly #notes = new Map<string, Buffer>()

  add(words: Uint32Array, word: number, state: number, note: string | null): void {
    const text = note === null ? undefined : this.#noteOf(note)
    const length = MARK_HEAD_BYTES + (text?.length ?? 0)
    if (this.#length + length > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(2 * (this.#length + length))
      grown.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = grown
    }
    let at = writeId(this.#bytes, this.#length, words, word)
    at = this.#bytes.writeUInt8(state, at)
    at = this.#bytes.writeUInt16LE(text?.length ?? NO_NOTE, at)
    if (text) this.#bytes.set(text, at)
    this.#length += length
  }

  /** All of them, valid until the next is added. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length)
    this.#length = 0
    return taken
  }

  #noteOf(note: string): Buffer {
    let text = this.#notes.get(note)
    if (!text) this.#notes.set(note, (text = Buffer.from(note).subarray(0, NO_NOTE - 1)))
    return text
  }
}
