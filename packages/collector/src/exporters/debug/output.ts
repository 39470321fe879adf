import { closeSync, openSync, writeSync } from 'node:fs'
import { CollectorError } from '../../component/index.ts'

/** `stdout`, `stderr` and files, which are written to at the same time. */
export class Output {
  readonly #paths: readonly string[]
  #files: number[] = []

  constructor(paths: readonly string[]) {
    this.#paths = paths
  }

  /** Throws `config` where a file cannot be written. */
  open(): void {
    for (const path of this.#paths) {
      if (path === 'stdout' || path === 'stderr') continue
      try {
        this.#files.push(openSync(path, 'a'))
      } catch (error) {
        this.close()
        const message = `output_paths: cannot write ${path}: ${(error as Error).message}`
        throw new CollectorError('config', message, { cause: error })
      }
    }
  }

  /** Throws where a file cannot be written any more. */
  write(text: string): void {
    if (this.#paths.includes('stdout')) process.stdout.write(text)
    if (this.#paths.includes('stderr')) process.stderr.write(text)
    for (const file of this.#files) writeSync(file, text)
  }

  close(): void {
    for (const file of this.#files) closeSync(file)
    this.#files = []
  }
}
