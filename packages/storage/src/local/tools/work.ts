import { resolve } from 'node:path'
import { StorageError } from '../../contract.ts'
import { nodeFileSystem, type FileSystem } from '../files/file-system.ts'

/** What every tool takes. */
export interface ToolOptions {
  /** The file system. Default: the machine's. */
  readonly files?: FileSystem
  /** Called now and then, and at the end of each file. */
  readonly onProgress?: (progress: ToolProgress) => void
  /** Ends the work with StorageError `cancelled`; what is half done is undone, or is at the next open. */
  readonly signal?: AbortSignal
}

export interface ToolProgress {
  /** Name in the data directory of what is worked on. */
  readonly file: string
  /** Of all files that are read. */
  readonly bytesDone: number
  readonly bytesTotal: number
}

/** Milliseconds of work between two looks at the signal, in which nothing else of the thread has its turn. */
const TURN_MS = 20

/** A tool's way through the files: tells of its progress, gives way to others and stops when it is told to. */
export class Work {
  readonly files: FileSystem
  readonly directory: string
  readonly #onProgress: (progress: ToolProgress) => void
  readonly #signal: AbortSignal | undefined
  #bytesTotal = 0
  #bytesDone = 0
  #turnEnds = performance.now() + TURN_MS

  constructor(directory: string, { files = nodeFileSystem, onProgress = () => {}, signal }: ToolOptions) {
    this.files = files
    this.directory = resolve(directory)
    this.#onProgress = onProgress
    this.#signal = signal
    this.#check()
    if (!files.stat(this.directory)) throw new StorageError('io', `${this.directory} is not there`)
  }

  expect(bytes: number): void {
    this.#bytesTotal += bytes
  }

  /** To be awaited between pieces of work. Throws StorageError `cancelled`. */
  async done(file: string, bytes: number): Promise<void> {
    this.#bytesDone += bytes
    if (performance.now() < this.#turnEnds) return
    await this.giveWay()
    this.finished(file)
  }

  async giveWay(): Promise<void> {
    await new Promise((turn) => setImmediate(turn))
    this.#turnEnds = performance.now() + TURN_MS
    this.#check()
  }

  finished(file: string): void {
    this.#onProgress({ file, bytesDone: this.#bytesDone, bytesTotal: Math.max(this.#bytesTotal, this.#bytesDone) })
  }

  #check(): void {
    if (this.#signal?.aborted) throw new StorageError('cancelled', `${this.directory}: stopped, as was asked for`)
  }
}
