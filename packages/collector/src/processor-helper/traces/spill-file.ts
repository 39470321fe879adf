/**
 * A file for what is too much for memory and need not outlive the process: it has no name once it is open, so that it goes with the process however that
 * ends. Only its owner can read it.
 */
import { randomUUID } from 'node:crypto'
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export class SpillFile {
  readonly #file: number
  #end = 0
  /** Places that are free again, by their length. */
  readonly #free = new Map<number, number[]>()

  /** Made in the system's folder for temporary files (`TMPDIR`). Throws what the system says. */
  constructor() {
    const path = join(tmpdir(), `spoor-traces-${randomUUID()}`)
    this.#file = openSync(path, 'wx+', 0o600)
    unlinkSync(path)
  }

  /** Gives the place of the bytes. Throws where there is no room on the disk. */
  write(bytes: Uint8Array): number {
    const free = this.#free.get(bytes.length)
    const place = free?.at(-1) ?? this.#end
    let written = 0
    while (written < bytes.length)
      written += writeSync(this.#file, bytes, written, bytes.length - written, place + written)
    if (free && free.length > 0) free.pop()
    else this.#end += bytes.length
    return place
  }

  read(place: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    let read = 0
    while (read < length) {
      const count = readSync(this.#file, bytes, read, length - read, place + read)
      if (count === 0) throw new Error('the file for spans that wait is shorter than it was')
      read += count
    }
    return bytes
  }

  /** The bytes of that length there are not needed any more. */
  free(place: number, length: number): void {
    const places = this.#free.get(length)
    if (places) places.push(place)
    else this.#free.set(length, [place])
  }

  close(): void {
    closeSync(this.#file)
  }
}
