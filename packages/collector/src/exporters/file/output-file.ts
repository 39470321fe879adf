/** A file that messages are added to, one write after the other, and that is put aside where it has grown too large. */
import { open, stat, type FileHandle } from 'node:fs/promises'
import { OtlpError } from '@spoor/otlp'
import { CollectorError, type Logger } from '../../component/index.ts'
import type { RotationConfig } from './config.ts'
import { putAside, removeOld } from './rotation.ts'

const DEFAULT_MEGABYTES = 100
const MIB = 1024 * 1024
/** What no later try changes. */
const FINAL: readonly unknown[] = ['ENAMETOOLONG', 'EISDIR', 'ENOTDIR', 'EINVAL', 'ERR_INVALID_ARG_VALUE']

export interface OutputFileOptions {
  /** Whether what is in it stays. */
  readonly isAppended: boolean
  readonly rotation: RotationConfig | undefined
  readonly logger: Logger
}

export class OutputFile {
  readonly #path: string
  readonly #options: OutputFileOptions
  #handle: FileHandle | undefined
  #size = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(path: string, options: OutputFileOptions) {
    this.#path = path
    this.#options = options
  }

  /** Makes the file, or opens the one that is there. Rejects with `unavailable`, or `config` where it can never be written. */
  async open(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#open()
      await this.#removeOld()
    })
  }

  /**
   * Resolves when the system has all of them. Rejects with `unavailable` when one could not be written, or `invalid_data` where that will never
   * be; the others then are not in the file either, but for those in a file that was put aside meanwhile. What has not begun when `signal` aborts
   * is not written, as it is going to come again: a sender that waited in vain for a slow disk would else find all of it twice.
   */
  async write(messages: AsyncIterable<readonly Uint8Array[]>, signal: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      if (signal.aborted) throw new CollectorError('unavailable', `${this.#path}: given up before its turn came`)
      await this.#open()
      let start = this.#size
      try {
        for await (const parts of messages) {
          const length = parts.reduce((sum, part) => sum + part.length, 0)
          if (await this.#makeRoom(length)) start = 0
          await this.#handle!.appendFile(parts.length === 1 ? parts[0]! : Buffer.concat(parts, length))
          this.#size += length
        }
      } catch (error) {
        // Half of a message would spoil what comes after it.
        await this.#handle?.truncate(start).catch(() => {})
        this.#size = start
        throw error
      }
    })
  }

  async close(): Promise<void> {
    return this.#inTurn(() => this.#close())
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work).catch((error: unknown) => {
      const { message, code } = error as NodeJS.ErrnoException
      if (code === undefined || error instanceof OtlpError) throw error
      const kind = FINAL.includes(code) ? 'invalid_data' : 'unavailable'
      throw new CollectorError(kind, `cannot write ${this.#path}: ${message}`, { cause: error })
    })
    this.#last = done.catch(() => {})
    return done
  }

  async #open(): Promise<void> {
    if (this.#handle) return
    const handle = await open(this.#path, 'a')
    if (!this.#options.isAppended && !this.#options.rotation) await handle.truncate(0)
    this.#handle = handle
    this.#size = (await handle.stat()).size
  }

  async #close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }

  /** Whether a new file was begun. One message that is larger than a file may be has a file of its own. */
  async #makeRoom(length: number): Promise<boolean> {
    const { rotation } = this.#options
    if (!rotation || this.#size === 0 || this.#size + length <= (rotation.max_megabytes || DEFAULT_MEGABYTES) * MIB) {
      return false
    }
    await this.#close()
    if (await stat(this.#path).catch(() => undefined)) await putAside(this.#path, new Date(), rotation)
    await this.#open()
    await this.#removeOld()
    return true
  }

  /** What cannot be deleted now is tried again at the next time. */
  async #removeOld(): Promise<void> {
    const { rotation, logger } = this.#options
    if (!rotation) return
    await removeOld(this.#path, new Date(), rotation).catch((error: unknown) => {
      logger.warn({ file: this.#path, error: (error as Error).message }, 'Old files could not be deleted')
    })
  }
}
