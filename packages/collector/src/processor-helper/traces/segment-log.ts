/**
 * Fragments of traces in a folder: what was put outlives the process, though not a loss of power. They are written as they come and read where they lie; a file of them is
 * deleted when all of it, and all before it, is done with. So a trace that waits costs a part of one write, and a read when it is decided.
 *
 *     00000001.traces   records `put` (the fragments of a request) and `removed` (places)
 *     00000001.marks    records `mark` (what is known of a trace that does not wait any more)
 *     lock.sqlite       whose lock says that a process has the folder
 */
import { join } from 'node:path'
import { CollectorError, SqliteFile, type Logger } from '../../component/index.ts'
import type { Fragment } from './fragments.ts'
import { Segments } from './segments.ts'
import { bytesOf, wordsOf } from './trace-id.ts'
import type { Found, Mark, PersistentStore } from './trace-log.ts'

const WHAT = 'log of waiting traces'
const LOCK_SCHEMA = 'CREATE TABLE IF NOT EXISTS lock (held INTEGER) STRICT'
const TRACES_BYTES = 16 * 1024 * 1024
const MARKS_BYTES = 1024 * 1024

const PUT = 1
const REMOVED = 2
const MARK = 3
/** In front of a fragment's bytes: the trace's id, its spans, whether a root is among them, how many bytes there are. */
const FRAGMENT_HEAD_BYTES = 25
const PLACE_BYTES = 8

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
  /** Places that are to be written as removed. */
  #removed: number[] = []
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
    this.#traces = new Segments(folder, '.traces', TRACES_BYTES)
    this.#marks = new Segments(folder, '.marks', MARKS_BYTES)
  }

  put(fragments: readonly Fragment[]): number[] {
    const parts: Uint8Array[] = []
    const offsets: number[] = []
    let length = 0
    for (const { words, at, spans, hasRoot, bytes } of fragments) {
      const head = Buffer.allocUnsafe(FRAGMENT_HEAD_BYTES)
      head.set(bytesOf(words, at))
      head.writeUInt32LE(spans, 16)
      head.writeUInt8(hasRoot ? 1 : 0, 20)
      head.writeUInt32LE(bytes.length, 21)
      parts.push(head, bytes)
      offsets.push(length + FRAGMENT_HEAD_BYTES)
      length += FRAGMENT_HEAD_BYTES + bytes.length
    }
    const { maxBytes } = this.#options
    if (this.#traces.byteLength + length > maxBytes) {
      const message = `the ${WHAT} in ${this.#folder} has ${this.#traces.byteLength} of ${maxBytes} bytes; try again`
      throw new CollectorError('overloaded', message, { retryAfterMs: 1000 })
    }
    let place: number
    try {
      place = this.#traces.write(PUT, parts)
    } catch (error) {
      const message = `the ${WHAT} in ${this.#folder} cannot be written: ${(error as Error).message}`
      throw new CollectorError('unavailable', message, { cause: error })
    }
    return offsets.map((offset) => {
      this.#traces.keep(place + offset)
      return place + offset
    })
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
    for (const place of places) this.#traces.release(place)
    if (this.#removed.length === 0) setImmediate(() => this.#writeRemoved())
    this.#removed.push(...places)
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
      const words = wordsOf(Uint8Array.from(body.subarray(0, 16)))
      const note = body[17] === 1 ? body.toString('utf8', 18) : null
      this.#marks.keep(place)
      yield { number: place, words, at: 0, state: body[16]!, note }
    }
  }

  /** Remembers what is known of a trace; 0 where it cannot be written, which is found out again after the next start. */
  mark(words: Uint32Array, at: number, state: number, note: string | null): number {
    const known = Uint8Array.of(state, note === null ? 0 : 1)
    try {
      const place = this.#marks.write(MARK, [bytesOf(words, at), known, Buffer.from(note ?? '')])
      this.#marks.keep(place)
      return place
    } catch {
      return 0
    }
  }

  unmark(number: number): void {
    this.#marks.release(number)
    this.#marks.tidy()
  }

  close(): void {
    if (this.#isClosed) return
    this.#writeRemoved()
    this.#isClosed = true
    this.#traces.close()
    this.#marks.close()
    this.#lock.close()
  }

  /** What cannot be written is found after the next start as it was. */
  #writeRemoved(): void {
    if (this.#isClosed) return
    const places = this.#removed
    this.#removed = []
    this.#traces.tidy()
    const left = places.filter((place) => this.#traces.has(place))
    if (left.length === 0) return
    const body = Buffer.allocUnsafe(PLACE_BYTES * left.length)
    left.forEach((place, index) => body.writeDoubleLE(place, PLACE_BYTES * index))
    try {
      this.#traces.write(REMOVED, [body])
    } catch {
      // The disk is full, or has gone.
    }
  }

  #tellDamage(file: string, atByte: number): void {
    this.#options.logger.error({ file, at_byte: atByte }, `A file of the ${WHAT} is damaged; what is behind is lost.`)
  }
}
