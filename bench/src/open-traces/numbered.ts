/** Traces with numbers, so that it is known of each whether it has come out: the number is in the trace id. One span each. */
import { createSpanColumns, scanSpans } from '@spoor/otlp'
import { Message, MARK } from 'spoor/loadgen'

/** Of one request. */
export const TRACES_PER_REQUEST = 500
/** One in so many has the attribute `keep` with `yes`. */
export const KEPT_ONE_IN = 10

/** Says of a trace id that it is of this run. */
const MAGIC = 0x5900_4e0d
const SERVICE = 'checkout'

/** Writes requests behind `headroom` bytes that are left free. */
export function createNumbered(headroom: number): (request: number) => Buffer {
  const scope = new Message(TRACES_PER_REQUEST * 256)
  for (let i = 0; i < TRACES_PER_REQUEST; i++) scope.message(2, spanOf(i % KEPT_ONE_IN === 0))
  const resource = new Message().message(1, attributeOf('service.name', SERVICE))
  const whole = new Message().message(1, new Message().message(1, resource).message(2, scope))
  const places = (kind: number): number[] => whole.markOffsets.filter((_, index) => whole.markKinds[index] === kind)
  const [traceIds, spanIds] = [places(MARK.traceId), places(MARK.spanId)]
  return (request) => {
    const buffer = Buffer.alloc(headroom + whole.bytes.length)
    buffer.set(whole.bytes, headroom)
    for (let i = 0; i < TRACES_PER_REQUEST; i++) {
      const number = request * TRACES_PER_REQUEST + i
      writeId(buffer, headroom + traceIds[i]!, number)
      buffer.writeUInt32BE(number, headroom + spanIds[i]! + 4)
    }
    return buffer
  }
}

function writeId(buffer: Buffer, at: number, number: number): void {
  buffer.writeUInt32BE(MAGIC, at)
  // Ids are spread, as those of a sender are.
  buffer.writeUInt32BE(Math.imul(number + 1, 0x9e37_79b1) >>> 0, at + 4)
  buffer.writeUInt32BE(Math.imul(number + 1, 0x85eb_ca77) >>> 0, at + 8)
  buffer.writeUInt32BE(number, at + 12)
}

function spanOf(isKept: boolean): Message {
  const now = Date.now() * 1e6
  const span = new Message()
    .raw(1, new Uint8Array(16), MARK.traceId)
    .raw(2, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0), MARK.spanId)
  span.string(5, 'POST /checkout').uint(6, 2)
  span.time(7, now).time(8, now + 1_000_000)
  for (const [key, value] of [
    ['http.request.method', 'POST'],
    ['http.route', '/checkout'],
    ['keep', isKept ? 'yes' : 'no'],
  ] as const)
    span.message(9, attributeOf(key, value))
  return span
}

function attributeOf(key: string, value: string): Message {
  return new Message().string(1, key).message(2, new Message().string(1, value))
}

/** What has come out. */
export interface Arrivals {
  /** Traces that came once or more. */
  readonly seen: number
  /** Spans beyond the first of a trace. */
  readonly twice: number
  /** Of `seen`, those that are to be kept. */
  readonly kept: number
  /** Spans that are of no run. */
  readonly foreign: number
}

/** Counts what comes, by the numbers. */
export class ArrivalBook {
  readonly #times: Uint8Array
  readonly #columns = createSpanColumns()
  #arrivals = { seen: 0, twice: 0, kept: 0, foreign: 0 }

  /** `traces`: numbers are below it. */
  constructor(traces: number) {
    this.#times = new Uint8Array(traces)
  }

  get arrivals(): Arrivals {
    return { ...this.#arrivals }
  }

  take(request: Uint8Array): void {
    const columns = this.#columns
    columns.count = 0
    scanSpans(request, columns)
    const ids = new DataView(columns.traceId.buffer, columns.traceId.byteOffset)
    const sums = this.#arrivals
    for (let row = 0; row < columns.count; row++) {
      const number = ids.getUint32(16 * row + 12)
      if (ids.getUint32(16 * row) !== MAGIC || number >= this.#times.length) sums.foreign++
      else if (this.#times[number] === 0) {
        this.#times[number] = 1
        sums.seen++
        if (number % KEPT_ONE_IN === 0) sums.kept++
      } else sums.twice++
    }
  }

  /** The first numbers that have not come, of those below `traces`, `max` at the most. */
  missing(traces: number, max: number): number[] {
    const missing: number[] = []
    for (let number = 0; number < traces && missing.length < max; number++)
      if (this.#times[number] === 0) missing.push(number)
    return missing
  }
}
