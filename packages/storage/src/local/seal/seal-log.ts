import { StorageError } from '../../contract.ts'
import type { File, FileSystem } from '../files/file-system.ts'
import { FILE_HEADER, readFrame, type LogRecord } from '../files/log.ts'
import type { SealedHeader } from '../files/sealed-file.ts'
import { SealedWriter } from '../files/sealed-writer.ts'
import { drawSalt, indexPath, logPath, sealedPath } from '../files/segment.ts'
import { NEW } from '../files/swap.ts'
import { readLogState, walkLog } from '../files/walk.ts'
import { encodeSection } from '../sealed/encode.ts'
import { holdSpecimen } from '../sealed/specimen.ts'
import { MAX_SECTION_BYTES, MAX_SECTION_SPANS } from '../sealed/section-meta.ts'
import { freeSource } from '../sealed/source.ts'
import { withCounts } from './count-section.ts'

/** Why a log has no sealed form, and never will as it is: it is damaged, or it would take too much. */
export class CannotSeal extends Error {
  readonly reason: 'log' | 'size'

  constructor(reason: 'log' | 'size', message: string) {
    super(message)
    this.reason = reason
  }
}
/** Whoever wanted it does not any more. */
export class Cancelled extends Error {}

export interface SealTask {
  readonly id: number
  /** Bytes of the log that count. */
  readonly logSize: number
  /** The most that the sealed form may take. */
  readonly maxBytes: number
}

/**
 * Writes the sealed form of a log beside it, as `<id>.seal.new`, whole and durable when it resolves; what was written is read back and compared with the
 * log. `pause` is awaited between two sections, and ends it by false. Rejects with {@link CannotSeal}, {@link Cancelled}, StorageError `newer_format`, and
 * what the file system throws; then nothing is left of it, unless the disk refuses that, too.
 */
export async function sealLog(
  files: FileSystem,
  directory: string,
  task: SealTask,
  pause: () => Promise<boolean>,
): Promise<SealedHeader> {
  const path = logPath(directory, task.id)
  const target = sealedPath(directory, task.id) + NEW
  const log = files.open(path, 'read')
  let file: File | undefined
  try {
    file = files.open(target, 'create')
    file.truncate(0)
    const indexBytes = files.stat(indexPath(directory, task.id))?.size ?? 0
    const header = await write(log, path, file, task, task.logSize + indexBytes, pause)
    file.sync()
    file.close()
    file = undefined
    return header
  } catch (error) {
    discard(files, target, file)
    throw error
  } finally {
    log.close()
  }
}

async function write(
  log: File,
  path: string,
  file: File,
  { logSize, maxBytes }: SealTask,
  logBytes: number,
  pause: () => Promise<boolean>,
): Promise<SealedHeader> {
  const state = readLogState(log, path)
  if (state.state !== 'ok' || state.headerDamaged) throw new CannotSeal('log', `${path}: its header is damaged`)
  const { createdMs } = state.header
  const writer = new SealedWriter(file, drawSalt())
  let endedMs = createdMs
  for (const records of sectionsOf(log, path, state.header, logSize)) {
    endedMs = records.reduce((latest, { arrivedMs }) => Math.max(latest, arrivedMs), endedMs)
    await addSection(log, path, writer, records)
    checkSize(writer.size, maxBytes)
    // In small pieces, so that no sync has to wait for a large one.
    await synced(file)
    if (!(await pause())) throw new Cancelled('not wanted any more')
  }
  const header = writer.finish({ createdMs, endedMs, logBytes, isKept: false })
  checkSize(header.size, maxBytes)
  return header
}

function checkSize(size: number, maxBytes: number): void {
  if (size > maxBytes) throw new CannotSeal('size', `sealed it takes ${size} bytes, more than ${maxBytes}`)
}

/** The records of each section, in their order. */
function* sectionsOf(
  log: File,
  path: string,
  header: { readonly salt: number },
  logSize: number,
): Generator<readonly LogRecord[]> {
  let records: LogRecord[] = []
  let spans = 0
  let bytes = 0
  for (const stretch of walkLog(log, path, header, FILE_HEADER, logSize)) {
    if (stretch.kind !== 'record') throw new CannotSeal('log', `${path} is damaged at byte ${stretch.start}`)
    const { record } = stretch
    const rawBytes = bytesOf([record])
    if (records.length > 0 && (spans + record.spans > MAX_SECTION_SPANS || bytes + rawBytes > MAX_SECTION_BYTES)) {
      yield records
      records = []
      spans = bytes = 0
    }
    records.push(record)
    spans += record.spans
    bytes += rawBytes
  }
  if (records.length > 0) yield records
}

async function addSection(log: File, path: string, writer: SealedWriter, records: readonly LogRecord[]): Promise<void> {
  try {
    holdSpecimen(requestsOf(log, path, records))
    const section = encodeSection({ requests: requestsOf(log, path, records), length: bytesOf(records) })
    writer.add(await withCounts(section))
    freeSource(section.source)
  } catch (error) {
    if (error instanceof StorageError && error.code === 'corrupt') throw new CannotSeal('log', error.message)
    throw error
  }
}

function* requestsOf(log: File, path: string, records: readonly LogRecord[]): Generator<Uint8Array> {
  for (const { frames } of records) for (const frame of frames) yield readFrame(log, path, frame)
}

function bytesOf(records: readonly LogRecord[]): number {
  let bytes = 0
  for (const { frames } of records) for (const { rawLength } of frames) bytes += rawLength
  return bytes
}

/** Resolves when it is durable. */
export function synced(file: File): Promise<void> {
  return new Promise((resolve, reject) => file.dataSync((error) => (error ? reject(error) : resolve())))
}

/** Nothing of it is left, as far as that can be. */
export function discard(files: FileSystem, target: string, file: File | undefined): void {
  try {
    file?.close()
  } catch {
    // The descriptor is gone either way.
  }
  try {
    files.remove(target)
  } catch {
    // The writer, or the next open, removes it.
  }
}
