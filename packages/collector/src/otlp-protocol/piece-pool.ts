/**
 * Memory for what arrives slowly: pieces of one size, cut out of mapped buffers. A buffer is given back to the system when the
 * last of its pieces is, whatever else the process has in use.
 */
import { allocateMapped, freeBytes, type Usage } from '../component/index.ts'

/** Bytes of a piece. */
export const PIECE_BYTES = 64 * 1024
/** 32 MiB at a time; pages of it that were not written to take no memory. */
const PIECES_AT_ONCE = 512

interface Sheet {
  readonly buffer: Buffer
  readonly usage: Usage
  readonly free: Buffer[]
}

const sheets = new Map<ArrayBufferLike, Sheet>()

/** A piece for the caller alone, who gives it back. What is in it is not defined. */
export function takePiece(): Buffer {
  const { usage, free } = openSheet() ?? cutSheet()
  usage.bytes += PIECE_BYTES
  return free.pop()!
}

/** Nobody reads or writes it any more. */
export function givePiece(piece: Buffer): void {
  const { buffer, usage, free } = sheets.get(piece.buffer)!
  usage.bytes -= PIECE_BYTES
  free.push(piece)
  if (usage.bytes > 0) return
  sheets.delete(piece.buffer)
  freeBytes(buffer)
}

/** The oldest with a free piece, so that the newer ones empty. */
function openSheet(): Sheet | undefined {
  for (const sheet of sheets.values()) if (sheet.free.length > 0) return sheet
  return undefined
}

function cutSheet(): Sheet {
  const { buffer, usage } = allocateMapped(PIECES_AT_ONCE * PIECE_BYTES)
  const free = Array.from({ length: PIECES_AT_ONCE }, (_, index) =>
    buffer.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES),
  ).toReversed()
  const sheet = { buffer, usage, free }
  sheets.set(buffer.buffer, sheet)
  return sheet
}
