import type { Filter, StorageError } from '../../contract.ts'
import type { BlockRows } from '../block/rows.ts'
import type { Block } from '../read/block.ts'
import { compileFilter } from '../read/filter/compile.ts'
import { rangeOf } from '../read/range.ts'
import { frameAt } from '../read/trace-rows.ts'
import { Turn } from '../read/turn.ts'
import { systemClock } from '../runtime.ts'
import { storageError } from '../threads/error.ts'
import { selectRows, widenToTraces, type Selection } from './selection.ts'
import { storeBlocks, type StoreBlocks } from './store-blocks.ts'
import { dropTwins } from './twins.ts'
import { Work, type ToolOptions } from './work.ts'

export interface ReadOptions extends ToolOptions {
  /** Spans that start in `[from, to]`, nanoseconds since 1970, both inclusive. Default: at any time. */
  readonly from?: bigint
  readonly to?: bigint
  /** Spans that make it true, each by itself. Default: all. */
  readonly filter?: Filter
  /** All spans of the traces in which there is such a span. Default false: such spans alone. */
  readonly wholeTraces?: boolean
  /** A span that was sent twice, the same in its header, is given once. Default false: all are given, as they came. */
  readonly twinsOnce?: boolean
  /** Gets some of the spans before all of them are given, from places spread over all. Default: nobody. */
  readonly sample?: (bytes: Uint8Array) => void
}

/** What {@link readSpans} has read. */
export interface ReadReport {
  /** Given. */
  readonly spans: number
  /** Left out as they were sent twice. */
  readonly twins: number
  /** False: a part of what was asked for cannot be read. */
  readonly complete: boolean
  /** The first that could not be read. */
  readonly damage: StorageError | undefined
  /** Files of a running store were not there any more when they should have been read: what was in them is not given. */
  readonly vanished: boolean
}

/** Takes some spans: serialized `TracesData`, and how many spans that are. The next come when it is done with these. */
export type TakeSpans = (bytes: Uint8Array, spans: number) => Promise<void> | void

/** Spans and bytes that are given at a time, about. */
const MAX_SPANS = 1 << 13
const MAX_BYTES = 1 << 20
/** Places of the sample. */
const SAMPLES = 64

/**
 * Reads the spans of a data directory in the order in which they came: each byte for byte as it was sent, under its own resource and scope. The
 * directory may be a store that is stopped, a backup, or one that runs; it is not locked, and nothing in it is changed. Memory: the blocks of
 * a segment, a piece of one of them at a time, and a bit a span.
 *
 * Damage is stepped over, and told in the report. Rejects with StorageError `bad_query`, `corrupt` (not a data directory), `newer_format`,
 * `overloaded` (whole traces of more than some millions of them), `cancelled`, `io`, and with what `take` throws.
 */
export async function readSpans(directory: string, options: ReadOptions, take: TakeSpans): Promise<ReadReport> {
  const { from, to, filter, wholeTraces = false, twinsOnce = false, sample } = options
  const turn = new Turn(systemClock, Infinity)
  const condition = filter && compileFilter(filter, turn)
  const work = new Work(directory, options)
  const blocks = await storeBlocks(work, turn).catch((error: unknown) => {
    throw storageError(error, `reading ${work.directory}`)
  })
  let selection = await selectRows(blocks, { range: rangeOf(from, to), condition }, turn)
  if (wholeTraces) selection = await widenToTraces(blocks, selection, turn)
  const twins = twinsOnce ? await dropTwins(blocks, selection, turn) : 0
  if (sample) await sampleOf(blocks, selection, turn, sample)
  for (const { size } of selection.values()) work.expect(size)
  let spans = 0
  let hasChanged = false
  await blocks.each(async (block, number) => {
    const selected = selection.get(number)
    if (!selected) return
    // A running store has put another form of the segment in its place.
    if (selected.rows !== block.spans) {
      hasChanged = true
      return
    }
    const members = selected.members(block.spans)
    for (const { bytes, count } of piecesOf(block, members, turn)) {
      await take(bytes, count)
      spans += count
      await work.done('reading', count)
    }
  })
  const vanished = turn.hasVanished || hasChanged
  return { spans, twins, complete: !turn.incomplete && !hasChanged, damage: turn.damage, vanished }
}

/** Some spans of blocks spread over all. */
async function sampleOf(
  blocks: StoreBlocks,
  selection: Selection,
  turn: Turn,
  take: (bytes: Uint8Array) => void,
): Promise<void> {
  const numbers = [...selection.keys()]
  const count = Math.min(SAMPLES, numbers.length)
  const chosen = new Set(Array.from({ length: count }, (_, i) => numbers[Math.floor((i * numbers.length) / count)]))
  await blocks.each((block, number) => {
    if (!chosen.has(number)) return
    const [piece] = piecesOf(block, selection.get(number)!.members(block.spans), turn)
    if (piece) take(piece.bytes)
  })
}

function* piecesOf(block: Block, members: Uint32Array, turn: Turn): Generator<{ bytes: Uint8Array; count: number }> {
  const rows = turn.attempt(() => block.rows())
  if (!rows) return
  for (let at = 0; at < members.length;) {
    const end = endOfPiece(rows, members, at)
    const piece = members.subarray(at, end)
    at = end
    const bytes = turn.attempt(() => block.spanBytes(rows, piece))
    if (bytes) yield { bytes, count: piece.length }
  }
}

/** After those that are read together: of one frame, so that its damage takes no others. */
function endOfPiece(rows: BlockRows, members: Uint32Array, first: number): number {
  const start = rows.spanStart[members[first]!]!
  const frame = rows.frames.length > 0 ? frameAt(rows, start) : undefined
  const frameEnd = frame ? frame.rawStart + frame.rawLength : Infinity
  let at = first
  let bytes = 0
  do {
    const row = members[at]!
    bytes += rows.spanEnd[row]! - rows.spanStart[row]!
    at++
  } while (
    at < members.length &&
    at - first < MAX_SPANS &&
    bytes < MAX_BYTES &&
    rows.spanStart[members[at]!]! < frameEnd
  )
  return at
}
