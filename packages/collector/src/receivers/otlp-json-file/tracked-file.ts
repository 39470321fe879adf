/** A file that is read line by line, and how far. */
import { open, type FileHandle } from 'node:fs/promises'

/** Bytes at the beginning of a file by which it is known again. */
const HEAD_BYTES = 1000
const PIECE_BYTES = 64 * 1024
const NEWLINE = 10

/** Where the reading of a file is. */
export interface Position {
  /** Bytes that are done with. */
  offset: number
  /** Lines that are done with. */
  line: number
}

export interface Line {
  /** From 1 on. */
  readonly number: number
  /** Without its end; undefined where it is longer than may be. */
  readonly bytes: Uint8Array | undefined
  /** Where the next one begins. */
  readonly end: number
  /** False for what is behind the last line's end. */
  readonly isWhole: boolean
}

export class TrackedFile {
  /** The name that it has now. */
  path: string
  readonly position: Position = { offset: 0, line: 0 }
  /** The offset that was kept for the next start. */
  keptOffset: number | undefined
  readonly #handle: FileHandle
  #head: Buffer
  /** The last line without its end: at which size of the file it was first seen, and since when. */
  #rest = { size: -1, since: 0 }

  private constructor(path: string, handle: FileHandle, head: Buffer) {
    this.path = path
    this.#handle = handle
    this.#head = head
  }

  static async open(path: string): Promise<TrackedFile> {
    const handle = await open(path, 'r')
    try {
      return new TrackedFile(path, handle, await readAt(handle, 0, HEAD_BYTES))
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** Its beginning, by which it is known again. */
  get head(): Buffer {
    return this.#head
  }

  /** Its size now. Where it was emptied or written anew meanwhile, it is read from its beginning; that is told. */
  async look(): Promise<{ readonly size: number; readonly isNew: boolean }> {
    const { size } = await this.#handle.stat()
    const head = await readAt(this.#handle, 0, HEAD_BYTES)
    const isNew = size < this.position.offset || !head.subarray(0, this.#head.length).equals(this.#head)
    this.#head = head
    if (isNew) this.restart()
    return { size, isNew }
  }

  /** From the beginning again. */
  restart(): void {
    Object.assign(this.position, { offset: 0, line: 0 })
  }

  /** Whether nothing has come for so long after a last line without its end that it counts as whole. `size`: of the file now. */
  isRestOld(size: number, waitMs: number): boolean {
    const now = performance.now()
    if (this.#rest.size !== size) this.#rest = { size, since: now }
    return now - this.#rest.since >= waitMs
  }

  /** What is not done with, as far as the file goes now. */
  async *lines(maxBytes: number): AsyncGenerator<Line> {
    let { offset: at, line: number } = this.position
    let pieces: Buffer[] = []
    let length = 0
    const take = (end: number, isWhole: boolean): Line => {
      const bytes = length > maxBytes ? undefined : Buffer.concat(pieces, length)
      pieces = []
      length = 0
      return { number: ++number, bytes, end, isWhole }
    }
    for (;;) {
      const piece = await readAt(this.#handle, at, PIECE_BYTES)
      if (piece.length === 0) break
      let from = 0
      for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, from)) {
        length += end - from
        if (length <= maxBytes) pieces.push(piece.subarray(from, end))
        from = end + 1
        yield take(at + from, true)
      }
      length += piece.length - from
      if (length <= maxBytes) pieces.push(piece.subarray(from))
      else pieces = []
      at += piece.length
    }
    if (length > 0) yield take(at, false)
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}
