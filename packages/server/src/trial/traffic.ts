/** Spans that were really sent, out of a store or out of files, put in the order in which they ended: as a collector gets them. */
import { statSync } from 'node:fs'
import type { Readable } from 'node:stream'
import {
  bytesToHex,
  createSpanColumns,
  inspectItems,
  OtlpError,
  rejectInvalidSpans,
  scanSpans,
  spanExtractor,
} from '@spoor/otlp'
import { readSpans, type ToolOptions } from '@spoor/storage'
import { SpoorError } from '../error.ts'
import { readInput } from '../transfer/import/read-input.ts'

const ERROR = 2
const NS_PER_S = 1e9

/** What is known of a trace before anything is decided about it. */
export interface TrafficTrace {
  readonly traceId: string
  /** Service and name of the span without a parent, or of the first. */
  service: string
  operation: string
  hasRoot: boolean
  spans: number
  hasError: boolean
  /** Seconds since 1970, with parts. */
  startS: number
  endS: number
}

/** Spans that end in one second. */
export interface Second {
  /** Since 1970. */
  readonly atS: number
  /** Requests, each with some of them. */
  readonly requests: readonly { readonly bytes: Uint8Array; readonly items: number }[]
}

export interface TrafficOptions {
  /** A data directory, or files with spans; `-` is the standard input. */
  readonly from: readonly string[]
  readonly maxSpans: number
  readonly stdin: Readable
}

export class Traffic {
  readonly traces = new Map<string, TrafficTrace>()
  spans = 0
  /** There were more than `maxSpans`, or a part could not be read. */
  notes: string[] = []
  readonly #maxSpans: number
  readonly #chunks: Uint8Array[] = []
  readonly #columns = createSpanColumns()
  #chunkOf = new Uint32Array(1024)
  #rowOf = new Uint32Array(1024)
  #endOf = new Float64Array(1024)

  private constructor(maxSpans: number) {
    this.#maxSpans = maxSpans
  }

  /** Throws SpoorError `file`, and what reading a store does. */
  static async read({ from, maxSpans, stdin }: TrafficOptions, tool: ToolOptions): Promise<Traffic> {
    const traffic = new Traffic(maxSpans)
    for (const path of from) {
      if (path !== '-' && isDirectory(path)) await traffic.#readStore(path, tool)
      else await traffic.#readFile(path, stdin)
    }
    return traffic
  }

  get isFull(): boolean {
    return this.spans >= this.#maxSpans
  }

  /** Seconds from the first end of a span to the last. */
  get durationS(): number {
    let [least, most] = [Infinity, -Infinity]
    for (let i = 0; i < this.spans; i++) {
      least = Math.min(least, this.#endOf[i]!)
      most = Math.max(most, this.#endOf[i]!)
    }
    return this.spans === 0 ? 0 : Math.max(1, most - least)
  }

  /** One after the other; those without spans are left out. */
  *seconds(): Generator<Second, undefined> {
    const ends = this.#endOf
    const order = Uint32Array.from({ length: this.spans }, (_, index) => index)
    order.sort((a, b) => ends[a]! - ends[b]!)
    let extracted: { chunk: number; extract: (rows: ArrayLike<number>) => Uint8Array } | undefined
    const extractor = (chunk: number): ((rows: ArrayLike<number>) => Uint8Array) => {
      if (extracted?.chunk !== chunk) {
        const columns = this.#columns
        columns.count = 0
        scanSpans(this.#chunks[chunk]!, columns)
        extracted = { chunk, extract: spanExtractor(this.#chunks[chunk]!, columns) }
      }
      return extracted.extract
    }
    for (let from = 0; from < order.length;) {
      const atS = Math.floor(ends[order[from]!]!)
      let to = from
      while (to < order.length && ends[order[to]!]! < atS + 1) to++
      const rows = order.subarray(from, to).sort((a, b) => this.#chunkOf[a]! - this.#chunkOf[b]! || ends[a]! - ends[b]!)
      const requests: { bytes: Uint8Array; items: number }[] = []
      for (let at = 0; at < rows.length;) {
        const chunk = this.#chunkOf[rows[at]!]!
        let end = at
        while (end < rows.length && this.#chunkOf[rows[end]!] === chunk) end++
        const own = Uint32Array.from(rows.subarray(at, end), (index) => this.#rowOf[index]!)
        requests.push({ bytes: extractor(chunk)(own), items: own.length })
        at = end
      }
      yield { atS, requests }
      from = to
    }
  }

  async #readStore(directory: string, tool: ToolOptions): Promise<void> {
    const { complete, vanished } = await readSpans(directory, { ...tool, twinsOnce: true }, (bytes) =>
      this.#add(Uint8Array.from(bytes)),
    )
    if (!complete || vanished) this.notes.push(`a part of ${directory} could not be read; see spoor verify`)
  }

  async #readFile(file: string, stdin: Readable): Promise<void> {
    const refused = new Map<string, number>()
    const refuse = (reason: string): void => void refused.set(reason, (refused.get(reason) ?? 0) + 1)
    const intake = {
      request: (bytes: Uint8Array): void => {
        try {
          const { invalidSpans } = inspectItems('traces', bytes)!
          this.#add(Uint8Array.from(invalidSpans > 0 ? rejectInvalidSpans(bytes).bytes : bytes))
          if (invalidSpans > 0) refuse('spans without ids')
        } catch (error) {
          if (!(error instanceof OtlpError)) throw error
          refuse(error.message)
        }
      },
      refuse,
      other: (what: string): void => refuse(`${what} are left out`),
    }
    await readInput(
      file,
      stdin,
      intake,
      () => Promise.resolve(),
      () => {},
    )
    for (const [reason, times] of refused) this.notes.push(`${file}: ${reason}${times > 1 ? ` (${times} times)` : ''}`)
  }

  #add(bytes: Uint8Array): void {
    const columns = this.#columns
    columns.count = 0
    scanSpans(bytes, columns)
    const left = this.#maxSpans - this.spans
    if (columns.count > left && !this.notes.some((note) => note.startsWith('there are more')))
      this.notes.push(
        `there are more than ${this.#maxSpans.toLocaleString('en')} spans: these are the first; --limit takes more`,
      )
    const count = Math.min(left, columns.count)
    if (count === 0) return
    const chunk = this.#chunks.push(bytes) - 1
    while (this.spans + count > this.#endOf.length) this.#grow()
    for (let row = 0; row < count; row++) {
      const startS = columns.startHi[row]! * (2 ** 32 / NS_PER_S) + columns.startLo[row]! / NS_PER_S
      const endS = startS + Math.max(0, columns.durationNs[row]!) / NS_PER_S
      const at = this.spans++
      this.#chunkOf[at] = chunk
      this.#rowOf[at] = row
      this.#endOf[at] = endS
      this.#addToTrace(bytes, row, startS, endS)
    }
  }

  #addToTrace(bytes: Uint8Array, row: number, startS: number, endS: number): void {
    const { traceId, parentSpanId, status, serviceStart, serviceEnd, nameStart, nameEnd } = this.#columns
    const id = bytesToHex(traceId.subarray(16 * row, 16 * row + 16))
    const isRoot = parentSpanId.subarray(8 * row, 8 * row + 8).every((byte) => byte === 0)
    const trace = this.traces.get(id)
    const textOf = (start: number, end: number): string => Buffer.from(bytes.subarray(start, end)).toString('utf8')
    const service = (): string => textOf(serviceStart[row]!, serviceEnd[row]!) || 'unknown_service'
    const operation = (): string => textOf(nameStart[row]!, nameEnd[row]!)
    if (!trace) {
      this.traces.set(id, {
        traceId: id,
        service: service(),
        operation: operation(),
        hasRoot: isRoot,
        spans: 1,
        hasError: status[row] === ERROR,
        startS,
        endS,
      })
      return
    }
    trace.spans++
    trace.hasError ||= status[row] === ERROR
    trace.startS = Math.min(trace.startS, startS)
    trace.endS = Math.max(trace.endS, endS)
    if (!isRoot || trace.hasRoot) return
    trace.hasRoot = true
    trace.service = service()
    trace.operation = operation()
  }

  #grow(): void {
    const size = 2 * this.#endOf.length
    const grown = <T extends Uint32Array | Float64Array>(from: T, to: T): T => {
      to.set(from)
      return to
    }
    this.#chunkOf = grown(this.#chunkOf, new Uint32Array(size))
    this.#rowOf = grown(this.#rowOf, new Uint32Array(size))
    this.#endOf = grown(this.#endOf, new Float64Array(size))
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new SpoorError(
      'file',
      `${path} cannot be read: ${code === 'ENOENT' ? 'there is no such file or directory' : message}`,
    )
  }
}
