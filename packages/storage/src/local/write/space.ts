import { StorageError } from '../../contract.ts'
import type { FileSystem } from '../files/file-system.ts'
import type { Clock } from '../runtime.ts'
import type { Space } from './episodes.ts'

const MAX_RESERVE_BYTES = 256 * 1024 * 1024
const RESERVE_SHARE = 0.05
/** Of the reserve: what is left for indexes and all that has to be written to make room. Below it, spans are refused. */
const FLOOR_SHARE = 1 / 8
/** The system is asked again when so much time has passed, or when what was written since may have used up a quarter of the room. */
const LOOK_EVERY_MS = 1000

/** The free space of the file system that the store is on, asked for as seldom as it does. */
export class DiskSpace {
  readonly #files: FileSystem
  readonly #clock: Clock
  readonly #directory: string
  readonly #reserveBytes: number | undefined
  #freeBytes = Infinity
  #totalBytes = Infinity
  #writtenSince = 0
  #lookedMs = -Infinity

  constructor(files: FileSystem, clock: Clock, directory: string, reserveBytes: number | undefined) {
    this.#files = files
    this.#clock = clock
    this.#directory = directory
    this.#reserveBytes = reserveBytes
  }

  get reserveBytes(): number {
    return this.#reserveBytes ?? Math.min(MAX_RESERVE_BYTES, Math.floor(RESERVE_SHARE * this.#totalBytes))
  }

  /** As far as is known: what was free when the system was asked, without what was written since. */
  get freeBytes(): number {
    return this.#freeBytes - this.#writtenSince
  }

  get roomBytes(): number {
    return this.freeBytes - this.reserveBytes
  }

  get now(): Space {
    return { freeBytes: Math.max(0, this.freeBytes), reserveBytes: this.reserveBytes }
  }

  wrote(bytes: number): void {
    this.#writtenSince += bytes
  }

  isDue(): boolean {
    return (
      this.#clock.monotonicMs() - this.#lookedMs >= LOOK_EVERY_MS ||
      this.#writtenSince > Math.abs(this.#freeBytes - this.reserveBytes) / 4
    )
  }

  /** Asks the system. One that does not answer is taken to have room. */
  lookNow(): void {
    this.#lookedMs = this.#clock.monotonicMs()
    this.#writtenSince = 0
    try {
      const { freeBytes, totalBytes } = this.#files.space(this.#directory)
      this.#freeBytes = freeBytes
      this.#totalBytes = totalBytes
    } catch {
      this.#freeBytes = this.#totalBytes = Infinity
    }
  }

  /** Throws StorageError `disk_full` when the reserve would be used up. */
  check(bytes: number): void {
    const { freeBytes, reserveBytes } = this.now
    if (freeBytes - bytes >= FLOOR_SHARE * reserveBytes) return
    throw new StorageError(
      'disk_full',
      `${this.#directory}: ${freeBytes} bytes are free on the disk, and ${Math.round(FLOOR_SHARE * reserveBytes)} are kept back; free some space, or lower the limit of the store`,
    )
  }
}
