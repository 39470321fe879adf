import { BlockBuilder } from '../block/builder.ts'
import type { File } from '../files/file-system.ts'
import { INDEX_HEADER, isIndex, type IndexBlock } from '../files/index-file.ts'
import { FILE_HEADER, type LogHeader, type LogRecord } from '../files/log.ts'
import { readBlocks } from '../files/recover-segment.ts'
import { addFrame, indexPath, logName, logPath } from '../files/segment.ts'
import { isOfProcess } from '../files/survey.ts'
import { walkLog } from '../files/walk.ts'
import { agrees } from './compare.ts'
import type { DamagedRange, IndexCondition, SegmentReport } from './report.ts'
import type { Work } from './work.ts'

/** How long a record that looks unfinished is given to be finished, where another process may be writing it. Milliseconds. */
const IN_FLIGHT_MS = 100

/** A piece of damage while it is not yet known how much is in it. */
type Piece = { -readonly [K in keyof DamagedRange]: DamagedRange[K] }

/** Reads all of a segment: every record of the log, and every block of the index against it. Throws what the file system throws. */
export async function verifySegment(
  work: Work,
  id: number,
  header: LogHeader,
  headerDamaged: boolean,
): Promise<SegmentReport> {
  const { files, directory } = work
  const path = logPath(directory, id)
  const log = files.open(path, 'read')
  let index: File | undefined
  try {
    // The index before the log's size: of a log that grows it must not know more than was looked at.
    const indexFile = indexPath(directory, id)
    const present = files.stat(indexFile) !== undefined
    if (present) index = files.open(indexFile, 'read')
    const ours = index !== undefined && isIndex(index, indexFile, header.salt)
    const indexSize = index?.size() ?? 0
    const blocks = ours ? readBlocks(index!, indexFile) : []
    const check = new SegmentCheck(work, log, path, index, blocks)
    if (headerDamaged) check.pieces.push({ offset: 0, bytes: FILE_HEADER, maxSpans: 0, perhaps: false, gone: false })
    await check.walk(header, FILE_HEADER)
    check.finish()
    if (present && (!ours || (await isTornIndex(index!, blocks.at(-1)?.end ?? INDEX_HEADER, indexSize))))
      check.index = 'damaged'
    return {
      id,
      file: logName(id),
      log: check.pieces.length > 0 ? 'damaged' : 'ok',
      // Of one that only holds a place there is none.
      index: present ? check.index : log.size() > FILE_HEADER ? 'missing' : 'behind',
      format: header.version,
      bytes: log.size(),
      records: check.records,
      spans: check.spans,
      damaged: check.pieces,
      tornBytes: check.tornBytes,
      reason: undefined,
    }
  } finally {
    log.close()
    index?.close()
  }
}

/** Whether there is something behind the last block that is none, and that nobody is about to make one. */
async function isTornIndex(index: File, end: number, size: number): Promise<boolean> {
  if (size <= end) return false
  await new Promise((resolve) => setTimeout(resolve, IN_FLIGHT_MS))
  return index.size() === size
}

function worse(a: IndexCondition, b: IndexCondition): IndexCondition {
  const order: IndexCondition[] = ['ok', 'behind', 'outdated', 'damaged']
  return order.indexOf(a) > order.indexOf(b) ? a : b
}

class SegmentCheck {
  readonly pieces: Piece[] = []
  records = 0
  spans = 0
  tornBytes = 0
  index: IndexCondition = 'ok'
  readonly #work: Work
  readonly #log: File
  readonly #path: string
  readonly #index: File | undefined
  readonly #blocks: readonly IndexBlock[]
  readonly #builder = new BlockBuilder()
  /** The block that the walk is in, and the pieces of damage in it. */
  #next = 0
  #inBlock: Piece[] = []
  /** Pieces of which only the index can tell how much is in them. */
  readonly #unsure = new Set<Piece>()
  #indexed = true

  constructor(work: Work, log: File, path: string, index: File | undefined, blocks: readonly IndexBlock[]) {
    this.#work = work
    this.#log = log
    this.#path = path
    this.#index = index
    this.#blocks = blocks
    this.#passEmpty(FILE_HEADER)
  }

  async walk(header: LogHeader, from: number): Promise<void> {
    const size = this.#log.size()
    const durable = this.#blocks.at(-1)?.meta.logEnd ?? 0
    for (const stretch of walkLog(this.#log, this.#path, header, from, size)) {
      const { start, end } = stretch
      if (stretch.kind === 'record') this.#record(stretch.record)
      else if (start < durable || (stretch.kind === 'damaged' && !stretch.perhaps)) {
        const cut = end === size && durable > size
        const maxSpans = stretch.kind === 'torn' || cut ? undefined : stretch.maxSpans
        this.#damage(start, end, (cut ? durable : end) - start, maxSpans)
      } else if (await this.#isInFlight(header, start, size)) return
      else if (stretch.kind === 'torn') this.tornBytes = end - start
      else
        this.pieces.push({ offset: start, bytes: end - start, maxSpans: stretch.maxSpans, perhaps: true, gone: false })
      await this.#work.done(this.#path, end - start)
    }
  }

  /** Whether what looked unfinished at the end was being written: then the walk went on from there. */
  async #isInFlight(header: LogHeader, start: number, size: number): Promise<boolean> {
    await new Promise((resolve) => setTimeout(resolve, IN_FLIGHT_MS))
    await this.#work.giveWay()
    if (this.#log.size() === size) return false
    await this.walk(header, start)
    return true
  }

  #record(record: LogRecord): void {
    const { start, end } = record
    const before = this.#builder.mark()
    try {
      for (const frame of record.frames) addFrame(this.#builder, this.#log, this.#path, frame)
    } catch (error) {
      this.#builder.rollback(before)
      if (isOfProcess(error) || 'syscall' in (error as object)) throw error
      this.#damage(start, end, end - start, record.spans)
      return
    }
    this.records++
    this.spans += this.#builder.rows.count - before.count
    const block = this.#blocks[this.#next]
    if (!block) this.#indexed = false
    else if (block.meta.logEnd === end) this.#finishBlock(block, end)
    else if (block.meta.logEnd < end) this.#giveUpIndex()
    if (!block) this.#builder.reset()
  }

  #damage(start: number, end: number, bytes: number, maxSpans: number | undefined): void {
    const piece: Piece = { offset: start, bytes, maxSpans, perhaps: false, gone: false }
    this.pieces.push(piece)
    const block = this.#blocks[this.#next]
    if (!block) {
      this.#indexed = false
      return
    }
    if (block.meta.damaged && block.meta.logStart === start && block.meta.logEnd === end) {
      piece.maxSpans = block.meta.damaged.maxSpans
      piece.bytes = block.meta.damaged.bytes
      this.#next++
      this.#passEmpty(end)
      return
    }
    if (maxSpans === undefined) this.#unsure.add(piece)
    this.#inBlock.push(piece)
    for (let passed = block; passed && passed.meta.logEnd <= end; passed = this.#blocks[this.#next]!) {
      this.#finishBlock(passed, passed.meta.logEnd)
      // It reaches into the next one.
      if (passed.meta.logEnd < end) this.#inBlock.push(piece)
    }
    if (!this.#blocks[this.#next] && this.#inBlock.length > 0) {
      // It reaches beyond what the index knows.
      this.#unsure.delete(piece)
      piece.maxSpans = maxSpans
      this.#indexed = false
    }
  }

  #finishBlock(block: IndexBlock, end: number): void {
    const { meta } = block
    if (this.#inBlock.length > 0 || meta.damaged) {
      this.index = worse('outdated', this.index)
      this.#share(this.#inBlock, meta.spans + (meta.damaged?.maxSpans ?? 0) - this.#builder.rows.count)
      if (meta.damaged && this.#inBlock.length === 0) this.index = 'damaged'
    } else if (!agrees(this.#index!, block, this.#builder)) this.index = 'damaged'
    this.#inBlock = []
    this.#builder.reset()
    this.#next++
    this.#passEmpty(end)
  }

  /** Blocks for spans that are gone, of which no byte is left. */
  #passEmpty(at: number): void {
    for (let block = this.#blocks[this.#next]; block?.meta.damaged; block = this.#blocks[++this.#next]) {
      const { logStart, logEnd, damaged } = block.meta
      if (logStart !== at || logEnd !== at) break
      this.pieces.push({ offset: at, bytes: damaged.bytes, maxSpans: damaged.maxSpans, perhaps: false, gone: true })
    }
  }

  #giveUpIndex(): void {
    this.index = 'damaged'
    this.#next = this.#blocks.length
    this.#inBlock = []
    this.#builder.reset()
  }

  /** What the index knows beyond the end of the log is gone. */
  finish(): void {
    const rest = this.#blocks.slice(this.#next)
    if (rest.length > 0) {
      this.index = worse('outdated', this.index)
      const size = this.#log.size()
      const end = rest.at(-1)!.meta.logEnd
      const spans = rest.reduce((sum, { meta }) => sum + meta.spans + (meta.damaged?.maxSpans ?? 0), 0)
      const missing = Math.max(0, spans - this.#builder.rows.count)
      const last = this.#inBlock.at(-1)
      if (last && last.offset + last.bytes >= end) this.#share(this.#inBlock, missing)
      else if (end > size) {
        const piece: Piece = { offset: size, bytes: end - size, maxSpans: undefined, perhaps: false, gone: true }
        this.pieces.push(piece)
        this.#unsure.add(piece)
        this.#share([...this.#inBlock, piece], missing)
      }
    } else if (!this.#indexed) this.index = worse('behind', this.index)
  }

  /** So many spans are missing in all of these pieces: none has more of them than what the others are not known to have. */
  #share(pieces: readonly Piece[], missing: number): void {
    const known = pieces.reduce((sum, piece) => sum + (this.#unsure.has(piece) ? 0 : (piece.maxSpans ?? 0)), 0)
    for (const piece of pieces)
      if (this.#unsure.has(piece)) piece.maxSpans = (piece.maxSpans ?? 0) + Math.max(0, missing - known)
  }
}
