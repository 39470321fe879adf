import { StorageError } from '../../contract.ts'
import type { BlockRows } from '../block/rows.ts'
import type { File, FileSystem } from '../files/file-system.ts'
import { sectionOf, whole } from '../files/read-back.ts'
import { readSealed, type SealedContents } from '../files/sealed-file.ts'
import { SealedWriter } from '../files/sealed-writer.ts'
import { drawSalt, sealedPath } from '../files/segment.ts'
import { NEW } from '../files/swap.ts'
import type { KeepSettings } from '../options.ts'
import { encodeSection } from '../sealed/encode.ts'
import type { Section } from '../sealed/section.ts'
import { MAX_SECTION_BYTES, MAX_SECTION_SPANS } from '../sealed/section-meta.ts'
import { Cancelled, CannotSeal, discard, synced } from './seal-log.ts'
import { numberOf, numberOfHex, tracesIn, valueOf, type Traces, type TraceValue } from './trace-value.ts'

/** Spans that are put together at a time; and where some of them are damaged. */
const PIECE = 4_096
const SMALL_PIECE = 256

/** Of which sealed segment to write what is kept, beside it. */
export interface KeepTask {
  readonly id: number
  /** Wall clock; where the file does not tell any more. */
  readonly createdMs: number
  readonly endedMs: number
  /** The most that it may take. */
  readonly maxBytes: number
  /** The segments before it that have been through this; `isReady`: it is still beside the segment. What they keep of a trace is kept here, too. */
  readonly before: readonly { readonly id: number; readonly isReady: boolean }[]
  /** The sealed ones after it: what is worth to be kept there is here, too. */
  readonly after: readonly number[]
  /** Ids of the traces that are pinned. */
  readonly pins: readonly string[]
}

/** What was written. */
export interface KeptForm {
  readonly size: number
  readonly spans: number
  readonly traces: KeptTraces
}

/** How many traces are kept for which reason: each counts for the first of them. */
interface KeptTraces {
  readonly pinned: number
  readonly errors: number
  readonly slow: number
  /** They are kept in a segment beside this one. */
  readonly continued: number
}

interface Reasons {
  readonly pinned: Traces
  readonly own: TraceValue
  readonly others: readonly Traces[]
}

/** Writes what is kept of segments whose turn to be deleted is about to come. */
export class TraceKeeper {
  readonly #files: FileSystem
  readonly #directory: string
  readonly #policy: KeepSettings
  /** Of segments, which do not change; those that the next task needs. */
  #values = new Map<number, TraceValue>()

  constructor(files: FileSystem, directory: string, policy: KeepSettings) {
    this.#files = files
    this.#directory = directory
    this.#policy = policy
  }

  /**
   * Writes `<id>.seal.new`, whole and durable when it resolves: a sealed segment with all spans of the traces that are kept, be it none. `pause` is awaited
   * now and then, and ends it by false. Rejects with {@link CannotSeal} for its size, {@link Cancelled}, and what the file system throws; then nothing is
   * left of it, unless the disk refuses that, too.
   */
  async keep(task: KeepTask, pause: () => Promise<boolean>): Promise<KeptForm> {
    const path = sealedPath(this.#directory, task.id)
    const goOn = async (): Promise<void> => {
      if (!(await pause())) throw new Cancelled('not wanted any more')
    }
    const reasons = await this.#reasonsFor(task, goOn)
    const file = this.#files.open(path, 'read')
    let target: File | undefined
    try {
      target = this.#files.open(path + NEW, 'create')
      target.truncate(0)
      const kept = await write(task, readSealed(file, path), file, target, reasons, goOn)
      target.sync()
      target.close()
      target = undefined
      return kept
    } catch (error) {
      discard(this.#files, path + NEW, target)
      throw error
    } finally {
      file.close()
    }
  }

  async #reasonsFor({ id, before, after, pins }: KeepTask, goOn: () => Promise<void>): Promise<Reasons> {
    const values = new Map<number, TraceValue>()
    for (const segment of [id, ...after]) {
      const read = (): Promise<TraceValue> =>
        this.#read(sealedPath(this.#directory, segment), (file, { sections }) =>
          valueOf(file, sections, this.#policy, goOn),
        )
      const value = this.#values.get(segment) ?? (await (segment === id ? read() : unlessLost(read)))
      if (value) values.set(segment, value)
    }
    this.#values = values
    const others: Traces[] = []
    for (const segment of after) {
      const value = values.get(segment)
      if (value) others.push(value.errors, value.slow)
    }
    for (const { id: segment, isReady } of before) {
      const path = sealedPath(this.#directory, segment) + (isReady ? NEW : '')
      const traces = await unlessLost(() => this.#read(path, (file, { sections }) => tracesIn(file, sections, goOn)))
      if (traces) others.push(traces)
    }
    return { pinned: new Set(pins.map(numberOfHex)), own: values.get(id)!, others }
  }

  async #read<T>(path: string, use: (file: File, contents: SealedContents) => Promise<T>): Promise<T> {
    const file = this.#files.open(path, 'read')
    try {
      return await use(file, readSealed(file, path))
    } finally {
      file.close()
    }
  }
}

async function write(
  task: KeepTask,
  { header, sections }: SealedContents,
  file: File,
  target: File,
  reasons: Reasons,
  goOn: () => Promise<void>,
): Promise<KeptForm> {
  const writer = new SealedWriter(target, drawSalt())
  const out = new Sections(writer, target, task.maxBytes)
  const traces = { pinned: 0, errors: 0, slow: 0, continued: 0 }
  const counted: Traces = new Set()
  const isKept = (trace: number): boolean => {
    const reason = reasonFor(trace, reasons)
    if (reason && !counted.has(trace)) {
      counted.add(trace)
      traces[reason]++
    }
    return reason !== undefined
  }
  for (const placed of sections) {
    const section = sectionOf(file, placed)
    const rows = whole(() => section.rows())
    const members = rows && whole(() => membersOf(rows, isKept))
    if (rows && members) for (const { bytes, spans } of requestsOf(section, rows, members)) await out.add(bytes, spans)
    await goOn()
  }
  await out.flush()
  const { createdMs, endedMs } = header ?? task
  // What they took before they were sealed, about.
  const logBytes = header ? Math.round(header.logBytes * (out.spans / Math.max(1, header.spans))) : writer.size
  const { size } = writer.finish({ createdMs, endedMs, logBytes, isKept: true })
  checkSize(size, task.maxBytes)
  return { size, spans: out.spans, traces }
}

/** Gathers spans in sections that are as large as may be. */
class Sections {
  /** Written. */
  spans = 0
  readonly #writer: SealedWriter
  readonly #file: File
  readonly #maxBytes: number
  #requests: Uint8Array[] = []
  #gathered = 0
  #bytes = 0

  constructor(writer: SealedWriter, file: File, maxBytes: number) {
    this.#writer = writer
    this.#file = file
    this.#maxBytes = maxBytes
  }

  async add(request: Uint8Array, spans: number): Promise<void> {
    const isFull = this.#gathered + spans > MAX_SECTION_SPANS || this.#bytes + request.length > MAX_SECTION_BYTES
    if (isFull) await this.flush()
    this.#requests.push(request)
    this.#gathered += spans
    this.#bytes += request.length
  }

  /** Durable when it resolves: in small pieces, so that no sync has to wait for a large one. */
  async flush(): Promise<void> {
    if (this.#gathered === 0) return
    this.#writer.add(encodeSection({ requests: this.#requests }))
    this.spans += this.#gathered
    this.#requests = []
    this.#gathered = this.#bytes = 0
    checkSize(this.#writer.size, this.#maxBytes)
    await synced(this.#file)
  }
}

function checkSize(size: number, maxBytes: number): void {
  if (size > maxBytes) throw new CannotSeal('size', `what is kept takes ${size} bytes, more than ${maxBytes}`)
}

/** The spans of these rows, byte for byte as they came. What is damaged is left out, with what is read together with it. */
function* requestsOf(
  section: Section,
  rows: BlockRows,
  members: Uint32Array,
  piece = PIECE,
): Generator<{ readonly bytes: Uint8Array; readonly spans: number }> {
  for (let at = 0; at < members.length; at += piece) {
    const own = members.subarray(at, at + piece)
    const bytes = whole(() => section.spanBytes(rows, own))
    if (bytes) yield { bytes, spans: own.length }
    else if (piece > SMALL_PIECE) yield* requestsOf(section, rows, own, SMALL_PIECE)
  }
}

function reasonFor(trace: number, { pinned, own, others }: Reasons): keyof KeptTraces | undefined {
  if (pinned.has(trace)) return 'pinned'
  if (own.errors.has(trace)) return 'errors'
  if (own.slow.has(trace)) return 'slow'
  return others.some((traces) => traces.has(trace)) ? 'continued' : undefined
}

/** The rows of the traces that are kept. */
function membersOf({ count, trace, traceIds, traceCount }: BlockRows, isKept: (trace: number) => boolean): Uint32Array {
  const kept = new Uint8Array(traceCount)
  for (let i = 0; i < traceCount; i++) if (isKept(numberOf(traceIds, i))) kept[i] = 1
  const members = new Uint32Array(count)
  let length = 0
  for (let row = 0; row < count; row++) if (kept[trace[row]!]) members[length++] = row
  return members.subarray(0, length)
}

/** Undefined where the file is gone, or damaged: what cannot be looked into has no say. */
async function unlessLost<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined
    if (error instanceof StorageError && error.code === 'corrupt') return undefined
    throw error
  }
}
