/** Divides spans between backends by their keys. */
import {
  createSpanColumns,
  scanSpans,
  spanExtractor,
  type Chunk,
  type SpanColumns,
  type TelemetryBatch,
} from '@spoor/otlp'
import type { LoadBalancingConfig } from './config.ts'
import type { Ring } from './ring.ts'

/** As the OpenTelemetry Collector has them (contrib 0.160): a service is an attribute of the resource like others. */
const SERVICE_START = Buffer.from('service.name=')
const SERVICE_END = Buffer.from('|')

export class Divider {
  readonly #key: LoadBalancingConfig['routing_key']
  readonly #columns = createSpanColumns()

  constructor(key: LoadBalancingConfig['routing_key']) {
    this.#key = key
  }

  /** The chunks of each endpoint, by its number; a chunk that all goes to one is that chunk itself. Throws {@link OtlpError}. */
  divide({ chunks }: TelemetryBatch, ring: Ring): Map<number, Chunk[]> {
    const divided = new Map<number, Chunk[]>()
    const add = (owner: number, chunk: Chunk): void => {
      const own = divided.get(owner)
      if (own) own.push(chunk)
      else divided.set(owner, [chunk])
    }
    for (const chunk of chunks) {
      if (ring.endpoints.length === 1) {
        add(0, chunk)
        continue
      }
      const rows = this.#rowsOf(chunk.bytes, ring)
      const [only] = rows.keys()
      if (rows.size === 1) add(only!, chunk)
      else if (rows.size > 1) {
        const extract = spanExtractor(chunk.bytes, this.#columns)
        for (const [owner, own] of rows) add(owner, { bytes: extract(own), items: own.length })
      }
    }
    return divided
  }

  #rowsOf(bytes: Uint8Array, ring: Ring): Map<number, number[]> {
    const columns = this.#columns
    columns.count = 0
    scanSpans(bytes, columns)
    const rows = new Map<number, number[]>()
    const isSame = this.#key === 'traceID' ? isSameTrace : isSameResource
    let own: number[] | undefined
    for (let row = 0; row < columns.count; row++) {
      if (!own || !isSame(columns, row)) {
        const owner = ring.ownerOf(this.#keyOf(bytes, row))
        own = rows.get(owner)
        if (!own) rows.set(owner, (own = []))
      }
      own.push(row)
    }
    return rows
  }

  #keyOf(bytes: Uint8Array, row: number): Uint8Array {
    const { traceId, serviceStart, serviceEnd } = this.#columns
    if (this.#key === 'traceID') return traceId.subarray(16 * row, 16 * row + 16)
    return Buffer.concat([SERVICE_START, bytes.subarray(serviceStart[row], serviceEnd[row]), SERVICE_END])
  }
}

/** Whether a span is of the same trace as the one before it. */
function isSameTrace({ traceId }: SpanColumns, row: number): boolean {
  for (let i = 16 * row; i < 16 * row + 16; i++) if (traceId[i] !== traceId[i - 16]) return false
  return true
}

function isSameResource({ resourceStart }: SpanColumns, row: number): boolean {
  return resourceStart[row] === resourceStart[row - 1]
}
