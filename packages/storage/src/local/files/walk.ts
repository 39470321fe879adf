import type { File } from './file-system.ts'
import {
  beginsHead,
  beginsLog,
  FILE_HEADER,
  findMagic,
  headIn,
  readBody,
  readExactly,
  readFileHeader,
  readHead,
  RECORD_HEADER,
  tableAgrees,
  type LogHeader,
  type LogRecord,
  type RecordHead,
} from './log.ts'

/**
 * A log from a place to its end, piece by piece and without a gap.
 *
 * - `record`: whole.
 * - `torn`: the end of an interrupted write, never acknowledged: its checksummed header says that it reaches beyond the end of the file,
 *   or there is but a part of a header, or nothing but zeros.
 * - `damaged`: bytes that are not what was written. `perhaps`: at the very end, where nothing tells whether it had been finished, and so
 *   acknowledged. What follows tells: one record is written at a time, so a record with another one behind it was acknowledged.
 */
export type Stretch =
  | { readonly kind: 'record'; readonly start: number; readonly end: number; readonly record: LogRecord }
  | { readonly kind: 'torn'; readonly start: number; readonly end: number }
  | ({ readonly kind: 'damaged' } & DamagedStretch)

export interface DamagedStretch {
  readonly start: number
  readonly end: number
  /** Spans in it, at most; undefined when not even that can be read. */
  readonly maxSpans: number | undefined
  readonly perhaps: boolean
}

const WINDOW = 1 << 20

/**
 * Walks the log from `from` to `size`. `path` is for errors: throws StorageError `newer_format` at a record of a later version, and what
 * reading throws.
 */
export function* walkLog(
  file: File,
  path: string,
  { salt }: Pick<LogHeader, 'salt'>,
  from: number,
  size: number,
): Generator<Stretch, void> {
  let at = from
  while (at < size) {
    const start = at
    const head = readHead(file, path, at, salt)
    const record = head && head.end <= size ? readBody(file, head) : undefined
    if (record) {
      at = record.end
      yield { kind: 'record', start, end: at, record }
      continue
    }
    // A certain header says where to go on; else what is behind is searched for.
    const reach = head?.certain ? head.end : start + 1
    const next = reach <= size ? findEvidence(file, path, salt, reach, size) : undefined
    if (next !== undefined) {
      at = head?.certain ? head.end : next
      const maxSpans = head && (head.certain || head.end === next) ? head.spans : undefined
      yield { kind: 'damaged', start, end: at, maxSpans, perhaps: false }
      continue
    }
    if (isTorn(file, head, start, size)) yield { kind: 'torn', start, end: size }
    else {
      const alone = head && head.end <= size && isZeroFrom(file, head.end, size)
      yield { kind: 'damaged', start, end: size, maxSpans: alone ? head.spans : undefined, perhaps: true }
    }
    return
  }
}

/** Nothing that was written later is behind it. */
function isTorn(file: File, head: RecordHead | undefined, start: number, size: number): boolean {
  if (head && head.end > size) return head.certain || tableAgrees(file, head, size)
  if (head) return false
  return isZeroFrom(file, start, size) || (size - start < RECORD_HEADER && beginsHead(readExactly(file, start, 4)))
}

/** The first place at or after `from` where something is that only a later write can have left: a header that is certain, or a whole record. */
function findEvidence(
  file: File,
  path: string,
  salt: number | undefined,
  from: number,
  size: number,
): number | undefined {
  const version = salt === 0 ? 1 : 2
  for (let at = from; at < size; at += WINDOW) {
    const bytes = readExactly(file, at, Math.min(WINDOW + RECORD_HEADER, size - at))
    for (let i = findMagic(bytes, 0, version); i >= 0 && i < WINDOW; i = findMagic(bytes, i + 1, version)) {
      const head = headIn(bytes.subarray(i), path, at + i, salt)
      if (head && (head.certain || (head.end <= size && tableAgrees(file, head, size) && readBody(file, head))))
        return at + i
    }
  }
  return undefined
}

function isZeroFrom(file: File, from: number, size: number): boolean {
  const zeros = Buffer.alloc(WINDOW)
  for (let at = from; at < size; at += WINDOW) {
    const bytes = readExactly(file, at, Math.min(WINDOW, size - at))
    if (!bytes.equals(zeros.subarray(0, bytes.length))) return false
  }
  return true
}

/**
 * The header of a log whose own is damaged, from the first record that can be found; undefined when there is none: then it is not a
 * log, or nothing of it is left.
 */
export function headerFromRecords(file: File, path: string): LogHeader | undefined {
  const size = file.size()
  let found: RecordHead | undefined
  for (const salt of [undefined, 0]) {
    const at = findEvidence(file, path, salt, salt === undefined ? 0 : FILE_HEADER, size)
    const head = at === undefined ? undefined : readHead(file, path, at, salt)
    if (head && (!found || head.start < found.start)) found = head
  }
  return found && { version: found.version, createdMs: found.arrivedMs, salt: found.salt }
}

/** What a log is: its header, or the one that its records give away. */
export type LogState =
  | { readonly state: 'ok'; readonly header: LogHeader; readonly headerDamaged: boolean }
  | { readonly state: 'newer'; readonly what: string }
  | { readonly state: 'unwritten' | 'foreign' }

export function readLogState(file: File, path: string): LogState {
  const found = readFileHeader(file)
  if (found.state === 'ok') return { ...found, headerDamaged: false }
  if (found.state === 'newer') return found
  const header = file.size() > FILE_HEADER ? headerFromRecords(file, path) : undefined
  if (header) return { state: 'ok', header, headerDamaged: true }
  return { state: file.size() <= FILE_HEADER && beginsLog(file) ? 'unwritten' : 'foreign' }
}
