import { type Chunk, createBatch, createSpanColumns, scanSpans, splitSpans } from '@spoor/otlp'
import { type Intake, type Place, placeText, Refusals, validPart } from '@spoor/trace/files'
import type { Destination } from './destination.ts'
import { TraceCount } from './trace-count.ts'

/** What is handed on at a time, at least where there is so much, and how many of these at once. */
const BATCH_BYTES = 1 << 20
const BATCH_SPANS = 4_096
const IN_FLIGHT = 4
/** What was found that is no traces, and is left out. */
export interface Other {
  readonly what: string
  pieces: number
}

/** Takes what was read, leaves out what is not valid, and hands the rest on in batches of a good size. */
export class ImportSession implements Intake {
  spans = 0
  bytes = 0
  readonly traces = new TraceCount()
  readonly refusals = new Refusals()
  readonly others = new Map<string, Other>()
  readonly #destination: Destination
  readonly #columns = createSpanColumns()
  readonly #waiting: Chunk[] = []
  #waitingBytes = 0
  #waitingSpans = 0
  readonly #inFlight = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined
  #file = ''

  constructor(destination: Destination) {
    this.#destination = destination
  }

  /** What comes next is of this file. */
  begin(file: string): void {
    this.#file = file
  }

  request(bytes: Uint8Array, place: Place): void {
    const valid = validPart(bytes, (reason, spans) => this.refuse(reason, place, spans))
    if (valid) this.#take(valid.bytes, valid.items)
  }

  refuse(reason: string, place: Place, spans?: number): void {
    this.refusals.add(reason, `${this.#file}: ${placeText(place)}`, spans)
  }

  other(what: string): void {
    const other = this.others.get(what) ?? { what, pieces: 0 }
    other.pieces++
    this.others.set(what, other)
  }

  /** Hands on what makes whole batches; resolves when there is room for more. Rejects with what the destination does. */
  async drain(): Promise<void> {
    while (this.#waitingBytes >= BATCH_BYTES || this.#waitingSpans >= BATCH_SPANS) await this.#send()
    this.#check()
  }

  /** Hands on all there is; resolves when it is taken. */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0) await this.#send()
    await Promise.all(this.#inFlight)
    this.#check()
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error
  }

  #take(bytes: Uint8Array, items: number): void {
    if (items === 0) return
    this.#columns.count = 0
    scanSpans(bytes, this.#columns)
    this.traces.add(this.#columns)
    const parts = splitSpans(bytes, BATCH_SPANS, this.#columns)
    for (const [index, part] of parts.entries()) {
      const spans = Math.min(BATCH_SPANS, items - index * BATCH_SPANS)
      this.#waiting.push({ bytes: part, items: spans })
      this.#waitingBytes += part.length
      this.#waitingSpans += spans
    }
  }

  async #send(): Promise<void> {
    this.#check()
    while (this.#inFlight.size >= IN_FLIGHT) await Promise.race(this.#inFlight)
    const chunks: Chunk[] = []
    let bytes = 0
    let spans = 0
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      if (chunks.length > 0 && (bytes + next.bytes.length > BATCH_BYTES || spans + next.items > BATCH_SPANS)) break
      chunks.push(next)
      this.#waiting.shift()
      bytes += next.bytes.length
      spans += next.items
    }
    this.#waitingBytes -= bytes
    this.#waitingSpans -= spans
    const sending = this.#destination
      .append(createBatch('traces', chunks))
      .then(() => {
        this.spans += spans
        this.bytes += bytes
      })
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => this.#inFlight.delete(sending))
    this.#inFlight.add(sending)
  }
}
