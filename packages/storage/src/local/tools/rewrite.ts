import { StorageError } from '../../contract.ts'
import type { File, FileSystem } from '../files/file-system.ts'
import { isIndex, type BlockMeta } from '../files/index-file.ts'
import {
  compress,
  FILE_HEADER,
  fileHeader,
  readExactly,
  readFrame,
  recordHead,
  VERSION,
  writeFully,
  type LogHeader,
  type LogRecord,
} from '../files/log.ts'
import { readBlocks } from '../files/recover-segment.ts'
import type { TimeRange } from '../files/reindex.ts'
import { drawSalt, indexName, indexPath, logName, logPath } from '../files/segment.ts'
import { NEW } from '../files/swap.ts'
import { walkLog, type Stretch } from '../files/walk.ts'
import { buildIndex } from './build-index.ts'
import { Cut } from './cut.ts'
import type { SpanMatch } from './match.ts'
import type { DamagedRange } from './report.ts'
import type { Work } from './work.ts'

/** What became of a segment. */
export interface Rewritten {
  /** Spans that go. */
  readonly spans: number
  /** Files whose new form is written, as `<name>.new`; empty when the segment stays as it is. */
  readonly names: readonly string[]
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly unsearched: readonly { readonly offset: number; readonly bytes: number }[]
  /** When the spans that go began. */
  readonly range: TimeRange | undefined
}

interface FrameBytes {
  readonly rawLength: number
  readonly bytes: Uint8Array
}

/**
 * Writes a segment anew, beside itself, without the spans that match: frames that have none of them are copied as they are. Damaged
 * stretches are copied too, or left out with `damagedToo`. Nothing is written when nothing goes. The new log is of this version's
 * format and has a salt of its own, so that the old index does not count for it.
 */
export async function rewriteSegment(
  work: Work,
  id: number,
  header: LogHeader,
  match: SpanMatch,
  { damagedToo, dryRun }: { readonly damagedToo: boolean; readonly dryRun: boolean },
): Promise<Rewritten> {
  const { files, directory } = work
  const path = logPath(directory, id)
  const log = files.open(path, 'read')
  try {
    // Most segments have none of the spans: only where one is found is anything written.
    const first = await look(work, log, path, header, match)
    const touched = first.spans > 0 || (damagedToo && first.unsearched.length > 0)
    const bytesBefore = log.size() + (files.stat(indexPath(directory, id))?.size ?? 0)
    if (!touched || dryRun) return { ...first, names: [], bytesBefore, bytesAfter: bytesBefore }
    const bytesAfter = await write(work, id, log, header, match, damagedToo)
    return { ...first, names: [logName(id), indexName(id)], bytesBefore, bytesAfter }
  } finally {
    log.close()
  }
}

async function look(
  work: Work,
  log: File,
  path: string,
  header: LogHeader,
  match: SpanMatch,
): Promise<Pick<Rewritten, 'spans' | 'unsearched' | 'range'>> {
  const cut = new Cut(match)
  const unsearched: { offset: number; bytes: number }[] = []
  for (const stretch of walkLog(log, path, header, FILE_HEADER, log.size())) {
    const { start, end } = stretch
    const readable = stretch.kind === 'record' && inflate(log, path, stretch.record)
    if (readable) for (const raw of readable) cut.from(raw)
    else unsearched.push({ offset: start, bytes: end - start })
    await work.done(path, end - start)
  }
  return { spans: cut.spans, unsearched, range: cut.range }
}

/** Bytes written. */
async function write(
  work: Work,
  id: number,
  log: File,
  old: LogHeader,
  match: SpanMatch,
  damagedToo: boolean,
): Promise<number> {
  const { files, directory } = work
  const path = logPath(directory, id)
  const header: LogHeader = { version: VERSION, createdMs: old.createdMs, salt: drawSalt() }
  const metas = oldMetas(files, indexPath(directory, id), old)
  const cut = new Cut(match)
  const known: Omit<DamagedRange, 'perhaps'>[] = []
  const target = files.open(path + NEW, 'create')
  let index: File | undefined
  try {
    target.truncate(0)
    let at = writeFully(target, [fileHeader(header)], 0)
    const addGone = (place: number): void => {
      for (const { logStart, logEnd, damaged } of metas)
        if (damaged && !damagedToo && logStart === place && logEnd === place)
          known.push({ offset: at, bytes: damaged.bytes, maxSpans: damaged.maxSpans, gone: true })
    }
    addGone(FILE_HEADER)
    for (const stretch of walkLog(log, path, old, FILE_HEADER, log.size())) {
      const { start, end } = stretch
      const record = stretch.kind === 'record' ? stretch.record : undefined
      const readable = record && inflate(log, path, record)
      if (readable) at = writeFully(target, recordWithout(cut, log, record, readable, header), at)
      else if (stretch.kind !== 'torn' && !damagedToo) {
        const meta = metas.find(({ logStart, damaged }) => logStart === start && damaged)
        known.push({
          offset: at,
          bytes: end - start,
          maxSpans: meta?.damaged?.maxSpans ?? record?.spans ?? maxSpansOf(stretch),
          gone: false,
        })
        at = copy(log, start, end, target, at)
      }
      addGone(end)
      await work.giveWay()
    }
    target.sync()
    index = files.open(indexPath(directory, id) + NEW, 'create')
    buildIndex(target, path, header, index, known, known.length > 0 ? metas : [])
    return at + index.size()
  } finally {
    target.close()
    index?.close()
  }
}

function oldMetas(files: FileSystem, path: string, { salt }: LogHeader): BlockMeta[] {
  if (!files.stat(path)) return []
  const index = files.open(path, 'read')
  try {
    return isIndex(index, path, salt) ? readBlocks(index, path).map(({ meta }) => meta) : []
  } finally {
    index.close()
  }
}

function maxSpansOf(stretch: Stretch): number | undefined {
  return stretch.kind === 'damaged' ? stretch.maxSpans : undefined
}

/** The requests of all frames of a record; undefined when they cannot be read although its checksum holds. */
function inflate(log: File, path: string, record: LogRecord): Buffer[] | undefined {
  try {
    return record.frames.map((frame) => readFrame(log, path, frame))
  } catch (error) {
    if (error instanceof StorageError) return undefined
    throw error
  }
}

/** The record's bytes; none when no span of it stays. */
function recordWithout(cut: Cut, log: File, record: LogRecord, inflated: Buffer[], header: LogHeader): Uint8Array[] {
  const frames: FrameBytes[] = []
  const before = cut.spans
  for (const [i, raw] of inflated.entries()) {
    const { offset, length } = record.frames[i]!
    const left = cut.from(raw)
    if (left === raw) frames.push({ rawLength: raw.length, bytes: readExactly(log, offset, length) })
    else if (left.length > 0) frames.push({ rawLength: left.length, bytes: compress(left) })
  }
  const spans = record.spans - (cut.spans - before)
  if (spans <= 0 && cut.spans > before) return []
  const arrivedMs = record.arrivedMs || header.createdMs
  return [recordHead(frames, spans, header.salt, arrivedMs), ...frames.map(({ bytes }) => bytes)]
}

function copy(from: File, start: number, end: number, to: File, at: number): number {
  let written = at
  for (let p = start; p < end; p += COPY)
    written = writeFully(to, [readExactly(from, p, Math.min(COPY, end - p))], written)
  return written
}

const COPY = 1 << 20
