import { closeSync, openSync, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { CollectorError } from '../component/index.ts'
import { MAX_TEXT_BYTES, placeOf, TOO_LARGE } from './guard.ts'

/**
 * The text of a configuration file, of at most 1 MiB: no more than that is read of a larger one, a device or a pipe without
 * end.
 *
 * @throws CollectorError `config` for a file that is too large; what the system throws for one that cannot be read
 */
export async function readConfigText(file: string): Promise<string> {
  const handle = await open(file)
  try {
    const buffer = Buffer.allocUnsafe(MAX_TEXT_BYTES + 1)
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return textOf(file, buffer.subarray(0, length))
  } finally {
    await handle.close()
  }
}

/** The same for a file that a configuration names (`${file:NAME}`), at once. */
export function readConfigFile(file: string): string {
  let descriptor: number
  try {
    descriptor = openSync(file, 'r')
  } catch (error) {
    throw new Error(`unable to read the file ${file}: ${reasonOf(error)}`, { cause: error })
  }
  try {
    const buffer = Buffer.allocUnsafe(MAX_TEXT_BYTES + 1)
    let length = 0
    while (length < buffer.length) {
      const bytesRead = readSync(descriptor, buffer, length, buffer.length - length, null)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return textOf(file, buffer.subarray(0, length))
  } catch (error) {
    if (error instanceof CollectorError) throw error
    throw new Error(`unable to read the file ${file}: ${reasonOf(error)}`, { cause: error })
  } finally {
    closeSync(descriptor)
  }
}

function textOf(file: string, bytes: Buffer): string {
  const text = bytes.toString('utf8')
  if (bytes.length <= MAX_TEXT_BYTES) return text
  const { line, column } = placeOf(text, text.length - 1)
  throw new CollectorError('config', `${file}:${line}:${column} ${TOO_LARGE}`)
}

/** What the system says, without its code and the path, which stand before it. */
function reasonOf(error: unknown): string {
  return (error as Error).message.replace(/^[A-Z]+: /, '').replace(/, \w+( '.*')?$/, '')
}
