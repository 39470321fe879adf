/** Files of a folder that are written at their end only, and deleted as a whole: the oldest first, once nothing in it is of use any more. */
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

/** A place is the number of a file, times this, and a byte in it. */
const PLACES = 2 ** 32
/** In front of a record: the length of what is behind, its CRC-32, and its type. Little-endian. */
const HEAD_BYTES = 9

interface Segment {
  readonly fd: number
  size: number
  /** Records in it that are of use. */
  live: number
}

export interface RecordFound {
  readonly type: number
  /** Where `body` begins. */
  readonly place: number
  readonly body: Buffer
}

export class Segments {
  readonly #folder: string
  readonly #extension: string
  readonly #maxBytes: number
  readonly #files = new Map<number, Segment>()
  /** Those that were there. */
  readonly #found: readonly number[]
  /** The number of the file that is written to; 0: there is none yet. */
  #last = 0
  /** The least number of the next file. */
  #next: number
  /** Bytes of all files. */
  byteLength = 0

  /** `maxBytes`: of a file, from which on another one is begun. */
  constructor(folder: string, extension: string, maxBytes: number) {
    this.#folder = folder
    this.#extension = extension
    this.#maxBytes = maxBytes
    this.#found = readdirSync(folder)
      .flatMap((name) => (name.endsWith(extension) ? Number(name.slice(0, -extension.length)) : []))
      .filter((number) => Number.isSafeInteger(number) && number > 0)
      .sort((a, b) => a - b)
    this.#next = (this.#found.at(-1) ?? 0) + 1
    for (const number of this.#found) {
      const fd = openSync(this.#pathOf(number), 'r')
      const { size } = fstatSync(fd)
      this.#files.set(number, { fd, size, live: 0 })
      this.byteLength += size
    }
  }

  /**
   * Writes a record with a body of that length, which `fill` puts into the bytes from `at` on. Gives the place of the body. Throws what the system says; it is then as if
   * it had not been written.
   */
  write(type: number, length: number, fill: (record: Buffer, at: number) => void): number {
    const record = recordOf(type, length, fill)
    const file = this.#current()
    try {
      writeAll(file.fd, record, file.size)
    } catch (error) {
      // What is there of it is in nobody's way, and takes room.
      attempt(() => ftruncateSync(file.fd, file.size))
      throw error
    }
    const place = this.#last * PLACES + file.size + HEAD_BYTES
    file.size += record.length
    this.byteLength += record.length
    return place
  }

  /** Some place of the file that the next record goes to. Throws as {@link write}. */
  somewhere(): number {
    this.#current()
    return this.#last * PLACES
  }

  read(place: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    const read = readSync(this.#fileOf(place)!.fd, bytes, 0, length, place % PLACES)
    if (read < length) throw new Error(`the file ends at byte ${(place % PLACES) + read}`)
    return bytes
  }

  /** What is at that place is of use, until {@link release}; `times`: or as many things of the same record. */
  keep(place: number, times = 1): void {
    this.#fileOf(place)!.live += times
  }

  release(place: number): void {
    const file = this.#fileOf(place)
    if (file) file.live--
  }

  /** Whether its file is still there. */
  has(place: number): boolean {
    return this.#fileOf(place) !== undefined
  }

  /** The records that were there at the start, as far as they are whole. `damaged`: hears of a file that is not, but for the last one. */
  *records(damaged: (file: string, atByte: number) => void): Generator<RecordFound> {
    for (const number of this.#found) {
      const bytes = readFileSync(this.#pathOf(number))
      let at = 0
      while (at + HEAD_BYTES <= bytes.length) {
        const length = bytes.readUInt32LE(at)
        const body = bytes.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length)
        if (length === 0 || body.length < length || crc32(body) !== bytes.readUInt32LE(at + 4)) break
        yield { type: bytes[at + 8]!, place: number * PLACES + at + HEAD_BYTES, body }
        at += HEAD_BYTES + length
      }
      if (at === bytes.length) continue
      // The last one ends in the middle where the process did. The next start should not take that for damage.
      if (number === this.#found.at(-1)) attempt(() => truncateSync(this.#pathOf(number), at))
      else damaged(this.#pathOf(number), at)
    }
  }

  /** Deletes the oldest files, up to the first that is of use; so that what a later one says of an earlier one is there for as long as that. */
  tidy(): void {
    for (const [number, { live }] of this.#files) {
      if (live > 0 || number === this.#last) return
      this.#delete(number)
    }
  }

  /** Deletes the file that is written to as well, when nothing in any is of use and it has some size. */
  begin(): void {
    const file = this.#files.get(this.#last)
    if (!file || file.size < this.#maxBytes / 16 || [...this.#files.values()].some(({ live }) => live > 0)) return
    for (const number of this.#files.keys()) this.#delete(number)
    this.#next = this.#last + 1
    this.#last = 0
  }

  close(): void {
    this.#last = 0
    this.tidy()
    for (const { fd } of this.#files.values()) closeSync(fd)
    this.#files.clear()
  }

  /** Another one where there is none, or it is full. */
  #current(): Segment {
    const file = this.#files.get(this.#last)
    if (file && file.size < this.#maxBytes) return file
    const number = Math.max(this.#last + 1, this.#next)
    const made: Segment = { fd: openSync(this.#pathOf(number), 'wx+'), size: 0, live: 0 }
    this.#files.set(number, made)
    this.#last = number
    this.tidy()
    return made
  }

  #delete(number: number): void {
    const { fd, size } = this.#files.get(number)!
    this.#files.delete(number)
    this.byteLength -= size
    closeSync(fd)
    unlinkSync(this.#pathOf(number))
  }

  #fileOf(place: number): Segment | undefined {
    return this.#files.get(Math.floor(place / PLACES))
  }

  #pathOf(number: number): string {
    return join(this.#folder, `${String(number).padStart(8, '0')}${this.#extension}`)
  }
}

/** Room for records that are written before the next one is made. */
let room = Buffer.allocUnsafeSlow(0)
const MOST_ROOM_BYTES = 4 * 1024 * 1024

function roomFor(bytes: number): Buffer {
  if (bytes > MOST_ROOM_BYTES) return Buffer.allocUnsafe(bytes)
  if (room.length < bytes) room = Buffer.allocUnsafeSlow(Math.min(MOST_ROOM_BYTES, 2 * bytes))
  return room.subarray(0, bytes)
}

/** Valid until the next one is made. */
function recordOf(type: number, length: number, fill: (record: Buffer, at: number) => void): Buffer {
  const record = roomFor(HEAD_BYTES + length)
  fill(record, HEAD_BYTES)
  record.writeUInt32LE(length, 0)
  record.writeUInt32LE(crc32(record.subarray(HEAD_BYTES)), 4)
  record.writeUInt8(type, 8)
  return record
}

function writeAll(fd: number, bytes: Buffer, position: number): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at, position + at)
}

function attempt(work: () => void): void {
  try {
    work()
  } catch {
    // It is no worse than before.
  }
}
