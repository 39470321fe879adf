import { StorageError } from '../../contract.ts'
import { hashWords } from '../block/hash.ts'
import type { BlockRows } from '../block/rows.ts'
import { ByteCache } from '../read/byte-cache.ts'
import { Section } from '../sealed/section.ts'
import { SpanDigest } from './digest.ts'
import type { File } from './file-system.ts'
import { readExactly } from './log.ts'
import type { Source } from '../sealed/source.ts'
import type { PlacedSection } from './sealed-file.ts'

/** Spans that are read at a time: those that one damaged place takes with it. */
const PIECE = 512
const CACHE_BYTES = 1 << 25
/** Enough for the shapes of a piece. */
const STEP_BYTES = 1 << 20

/** A section of a file that is open, as readers have it. */
export function sectionOf(file: File, { body, meta }: PlacedSection): Section {
  const read = (offset: number, length: number): Uint8Array => readExactly(file, body.offset + offset, length)
  return new Section(meta, read, new ByteCache(CACHE_BYTES), undefined, STEP_BYTES)
}

/** All spans of a section as serialized `TracesData`, piece by piece. Throws as {@link Section} does; the pieces after one that is damaged can be asked for. */
export function* piecesOf(section: Section, rows: BlockRows, from = 0, to = rows.count): Generator<() => Uint8Array> {
  for (let first = from; first < to; first += PIECE)
    yield () => section.spanBytes(rows, membersOf(first, Math.min(first + PIECE, to)))
}

function membersOf(from: number, to: number): Uint32Array {
  return Uint32Array.from({ length: to - from }, (_, i) => from + i)
}

/** The spans of a section, as few times as it takes: each chunk at once, and only one that is damaged piece by piece. Undefined: a piece is damaged. */
function* spansOf(section: Section, rows: BlockRows): Generator<Uint8Array | undefined> {
  const chunks = whole(() => section.rowChunks()) ?? [0]
  for (const [i, from] of chunks.entries()) {
    const to = chunks[i + 1] ?? rows.count
    const bytes = whole(() => section.spanBytes(rows, membersOf(from, to)))
    if (bytes) yield bytes
    else for (const read of piecesOf(section, rows, from, to)) yield whole(read)
  }
}

/** What can be read of a section. */
export interface ReadBack {
  readonly digest: SpanDigest
  /** All of it, as it was written. */
  readonly isWhole: boolean
  /** Of its trace ids, for the filter of the segment; undefined where they cannot be read. */
  readonly traceHashes: readonly number[] | undefined
}

/** Reads all of a section as a reader would. Throws what the file system throws. */
export function readBack(file: File, placed: PlacedSection): ReadBack {
  const digest = new SpanDigest()
  const section = sectionOf(file, placed)
  const rows = whole(() => section.rows())
  let isWhole = rows !== undefined
  for (const bytes of rows ? spansOf(section, rows) : []) {
    if (bytes) digest.add(bytes)
    else isWhole = false
  }
  isWhole &&= digest.spans === placed.meta.spans && digest.value === placed.digest
  return { digest, isWhole, traceHashes: rows && traceHashesOf(rows) }
}

/** The hashes of a section's trace ids, if it gives back `source`, from which it was made. Throws what the file system throws. */
export function hashesIfSame(file: File, placed: PlacedSection, source: Source): readonly number[] | undefined {
  const section = sectionOf(file, placed)
  const rows = whole(() => section.rows())
  return rows && whole(() => section.isSameAs(source, rows)) ? traceHashesOf(rows) : undefined
}

/** Undefined when it is damaged. */
export function whole<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof StorageError && error.code === 'corrupt') return undefined
    throw error
  }
}

function traceHashesOf({ traceIds, traceCount }: BlockRows): number[] {
  return Array.from({ length: traceCount }, (_, i) =>
    hashWords(traceIds[4 * i]!, traceIds[4 * i + 1]!, traceIds[4 * i + 2]!, traceIds[4 * i + 3]!),
  )
}
