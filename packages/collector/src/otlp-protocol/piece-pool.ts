/**
 * Memory for what arrives slowly: pieces of one size, cut out of mapped buffers. A buffer is given back to the system when the
 * last of its pieces is, whatever else the process has in use.
 */
import { allocateMapped, freeBytes, type Usage } from '../component/index.ts'

/** Bytes of a piece. */
export const PIECE_BYTES = 64 * 1024
/** What an empty buffer may have been used for, so that it is kept for those who come next: 2 MiB. */
const KEPT_PIECES = 32

/** A buffer that is cut up as far as it was needed. */
interface Sheet {
  readonly buffer: Buffer
  readonly usage: Usage
  readonly free: Buffer[]
  cut: number
}

/** By their buffers, the oldest first. */
const sheets = new Map<ArrayBufferLike, Sheet>()

/** A piece for the caller alone, who gives it back. What is in it is not defined. */
export function takePiece(): Buffer {
  const sheet = openSheet() ?? newSheet()
  sheet.usage.bytes += PIECE_BYTES
  return sheet.free.pop() ?? cutPiece(sheet)
}

/** Nobody reads or writes it any more. */
export function givePiece(piece: Buffer): void {
  const sheet = sheets.get(piece.buffer)!
  sheet.usage.bytes -= PIECE_BYTES
  sheet.free.push(piece)
  if (sheet.usage.bytes > 0 || (sheets.size === 1 && sheet.cut <= KEPT_PIECES)) return
  sheets.delete(piece.buffer)
  freeBytes(sheet.buffer)
}

/** The oldest that has a piece, so that the newer ones empty. */
function openSheet(): Sheet | undefined {
  for (const sheet of sheets.values()) {
    if (sheet.free.length > 0 || (sheet.cut + 1) * PIECE_BYTES <= sheet.buffer.length) return sheet
  }
  return undefined
}

function cutPiece(sheet: Sheet): Buffer {
  const at = sheet.cut++ * PIECE_BYTES
  return sheet.buffer.subarray(at, at + PIECE_BYTES)
}

function newSheet(): Sheet {
  const sheet = { ...allocateMapped(0), free: [], cut: 0 }
  sheets.set(sheet.buffer.buffer, sheet)
  return sheet
}
