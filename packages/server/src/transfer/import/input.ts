import { createReadStream } from 'node:fs'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { InputProblem, isGzip, isZstd } from '@spoor/trace/files'
import { ByteSource } from './byte-source.ts'

/** Bytes from the beginning of a content that its form is told by. */
export const HEAD_BYTES = 1 << 16
const PIECE_BYTES = 1 << 18

/**
 * The content of a file, or of the standard input for `-`, uncompressed. Whether it is compressed with gzip or zstd is told by the content, not the name.
 * `onBytes`: called with how many bytes of the file were read. Reading throws {@link InputProblem} for what cannot be decompressed.
 */
export async function openInput(path: string, stdin: Readable, onBytes: (bytes: number) => void): Promise<ByteSource> {
  const file = path === '-' ? stdin : createReadStream(path, { highWaterMark: PIECE_BYTES })
  const raw = new ByteSource(counted(file, onBytes))
  const magic = await raw.peek(4)
  return isZstd(magic) || isGzip(magic) ? new ByteSource(decompressed(raw, isGzip(magic))) : raw
}

async function* counted(file: AsyncIterable<Buffer>, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const piece of file) {
    onBytes(piece.length)
    yield piece
  }
}

async function* decompressed(raw: ByteSource, isGz: boolean): AsyncGenerator<Buffer> {
  let offset = 0
  try {
    for await (const piece of isGz ? gunzipped(raw) : unzstd(raw)) {
      yield piece
      offset += piece.length
    }
  } catch (error) {
    const message = `it cannot be decompressed any further (${(error as Error).message}); it may be damaged or cut off`
    throw new InputProblem({ offset }, message, { cause: error })
  }
}

function gunzipped(raw: ByteSource): AsyncIterable<Buffer> {
  const inflate = createGunzip()
  pipeline(whole(raw), inflate, () => {})
  return inflate
}

/** Fails where the source does. */
async function* whole(raw: ByteSource): AsyncGenerator<Buffer> {
  yield* raw.rest()
  if (raw.failure) throw raw.failure
}

/** Frame after frame: Node's decompressor ends with the first, and the rest of what it was given is for another one. */
async function* unzstd(raw: ByteSource): AsyncGenerator<Buffer> {
  while ((await raw.peek(1)).length > 0) {
    const inflate = createZstdDecompress()
    const feeding = feed(raw, inflate).catch((error: unknown) => void inflate.destroy(error as Error))
    yield* inflate as AsyncIterable<Buffer>
    await feeding
  }
}

/** Takes from `raw` what the decompressor uses. */
async function feed(raw: ByteSource, inflate: ReturnType<typeof createZstdDecompress>): Promise<void> {
  const ended = new Promise<void>((resolve) => void inflate.once('close', resolve))
  for (;;) {
    const piece = await raw.peek(HEAD_BYTES)
    if (raw.failure) throw raw.failure
    if (piece.length === 0) {
      inflate.end()
      return
    }
    const before = inflate.bytesWritten
    await Promise.race([new Promise<void>((resolve) => void inflate.write(piece, () => resolve())), ended])
    const used = inflate.bytesWritten - before
    await raw.read(used)
    if (used < piece.length || inflate.destroyed) return
  }
}
