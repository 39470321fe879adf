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
    const text = buffer.toString('utf8', 0, length)
    if (length <= MAX_TEXT_BYTES) return text
    const { line, column } = placeOf(text, text.length - 1)
    throw new CollectorError('config', `${file}:${line}:${column} ${TOO_LARGE}`)
  } finally {
    await handle.close()
  }
}
