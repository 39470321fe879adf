import { createReadStream } from 'node:fs'
import { pipeline, type Readable, type Transform } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { ByteSource } from './byte-source.ts'
import { InputProblem } from './place.ts'

/** The form of a file's content, told by its first bytes. */
export type Form = 'json' | 'message' | 'frames'

/** Bytes that the form is told by. */
const HEAD = 1 << 16
const PIECE = 1 << 18

export interface Input {
  /** Uncompressed. */
  readonly source: ByteSource
  /** Undefined: none that is known. `empty`: there is nothing in it. */
  readonly form: Form | 'empty' | undefined
}

/**
 * Opens a file, or the standard input for `-`. Whether it is compressed with gzip or zstd, and what is in it, is told by the content, not the name.
 * `onBytes`: called with how many bytes of the file were read. Reading throws {@link InputProblem} for what cannot be decompressed.
 */
export async function openInput(path: string, stdin: Readable, onBytes: (bytes: number) => void): Promise<Input> {
  const file = path === '-' ? stdin : createReadStream(path, { highWaterMark: PIECE })
  const raw = new ByteSource(counted(file, onBytes))
  const magic = await raw.peek(4)
  const source = isZstd(magic) || isGzip(magic) ? new ByteSource(decompressed(raw, isGzip(magic))) : raw
  return { source, form: formOf(await source.peek(HEAD)) }
}

export function isZstd(bytes: Uint8Array): boolean {
  return bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/** White space and a bracket begin a JSON text. A serialized message may begin so too; it has control characters, which no JSON text has. */
export function formOf(head: Buffer): Form | 'empty' | undefined {
  if (head.length === 0) return 'empty'
  const text = head.toString('latin1')
  if (/^(\u00ef\u00bb\u00bf)?[\t\n\r ]*$/.test(text)) return 'empty'
  // eslint-disable-next-line no-control-regex
  if (/^(\u00ef\u00bb\u00bf)?[\t\n\r ]*[[{]/.test(text) && !/[\0-\x08\x0b\x0c\x0e-\x1f]/.test(text)) return 'json'
  if (head[0] === 0x0a) return 'message'
  const framed = head.subarray(4)
  if (framed[0] === 0x0a || framed[0] === 0x7b || isZstd(framed)) return 'frames'
  return undefined
}

async function* counted(file: AsyncIterable<Buffer>, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const piece of file) {
    onBytes(piece.length)
    yield piece
  }
}

async function* decompressed(raw: ByteSource, isGz: boolean): AsyncGenerator<Buffer> {
  const inflate: Transform = isGz ? createGunzip() : createZstdDecompress()
  pipeline(raw.rest(), inflate, () => {})
  let offset = 0
  try {
    for await (const piece of inflate as AsyncIterable<Buffer>) {
      yield piece
      offset += piece.length
    }
  } catch (error) {
    const message = `it cannot be decompressed any further (${(error as Error).message}); it may be damaged or cut off`
    throw new InputProblem({ offset }, message, { cause: error })
  }
}
