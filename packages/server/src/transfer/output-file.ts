import { createWriteStream, type WriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { finished } from 'node:stream/promises'
import type { Writable } from 'node:stream'
import { createGzip, createZstdCompress } from 'node:zlib'
import { SpoorError } from '../error.ts'

/** A file that is there, under its name, when all of it is: until then its name ends in this. */
const PART = '.part'

export interface OutputFile {
  /** Resolves when more can be taken. Rejects with SpoorError `file` when the file cannot be written. */
  write(bytes: Uint8Array | string): Promise<void>
  /** Resolves when all is on disk, under the file's name. */
  finish(): Promise<void>
  /** Takes away what was written. */
  discard(): Promise<void>
}

export interface OutputOptions {
  /** Replaces what is there under the name. Default false: it is refused. */
  readonly force?: boolean
  /** What `-` means. */
  readonly stdout: Writable
}

/**
 * Opens a file to be written from its beginning to its end; `-` is the standard output. A name that ends in `.gz` or `.zst` is compressed.
 *
 * @throws SpoorError `file` with the reason and the way out
 */
export async function openOutput(path: string, { force = false, stdout }: OutputOptions): Promise<OutputFile> {
  if (path === '-') return outputTo(stdout, undefined)
  const existing = await stat(path).catch(() => undefined)
  if (existing && !force) {
    throw new SpoorError('file', `${path} is already there; choose another name, or add --force to replace it`)
  }
  if (existing && !existing.isFile()) throw new SpoorError('file', `${path} is not a file; choose another name`)
  const file = createWriteStream(path + PART, { flush: true })
  const compressor = path.endsWith('.gz') ? createGzip() : path.endsWith('.zst') ? createZstdCompress() : undefined
  compressor?.pipe(file)
  return outputTo(compressor ?? file, { path, file })
}

function outputTo(
  target: Writable,
  named: { readonly path: string; readonly file: WriteStream } | undefined,
): OutputFile {
  const name = named?.path ?? 'the standard output'
  let failure: Error | undefined
  const streams = named && named.file !== target ? [target, named.file] : [target]
  let wake = (): void => {}
  const onError = (error: Error): void => {
    failure ??= error
    wake()
  }
  for (const stream of streams) stream.on('error', onError)
  const check = (): void => {
    if (failure) throw new SpoorError('file', `${name} cannot be written: ${failure.message}`, { cause: failure })
  }
  return {
    async write(bytes) {
      check()
      if (!target.write(bytes)) {
        await new Promise<void>((resolve) => {
          wake = resolve
          target.once('drain', resolve)
        })
        target.removeListener('drain', wake)
      }
      check()
    },
    async finish() {
      check()
      if (!named) {
        target.removeListener('error', onError)
        return
      }
      const done = finished(named.file).catch(onError)
      target.end()
      await done
      check()
      await rename(named.path + PART, named.path)
    },
    async discard() {
      if (!named) return
      for (const stream of streams) stream.destroy()
      await finished(named.file).catch(() => {})
      await rm(named.path + PART, { force: true })
    },
  }
}
