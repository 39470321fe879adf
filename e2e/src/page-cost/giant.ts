import type { Span } from '@spoor/otlp'
import { hex } from '../checkouts.ts'
import type { RunningSpoor } from '../spoor.ts'
import { ms, sendTraces, span, traces } from '../traces.ts'

/** Services that the spans are of. */
const services = 24
/** Spans a request: one service's, as an exporter sends them. */
const perRequest = 500
/** Spans below each span. */
const fanOut = 7

/** Id of the trace of so many spans. */
export const giantId = (size: number) => hex(size, 32)

/**
 * Sends one trace of `size` spans: a tree of seven children each over 24 services and 144 names, with an attribute each, some 150 bytes a span, and an error here and
 * there. Children lie within their parents, one after the other; a few outlast them. It is an hour old, so that nothing more is waited for.
 */
export async function sendGiant(spoor: RunningSpoor, size: number): Promise<void> {
  const traceId = giantId(size)
  const begin = (BigInt(Date.now()) - 3_600_000n) * ms
  const from = new Float64Array(size)
  const length = new Float64Array(size)
  length[0] = 60e9
  for (let index = 1; index < size; index++) {
    const parent = Math.floor((index - 1) / fanOut)
    const slot = length[parent]! / (fanOut + 1)
    from[index] = Math.floor(from[parent]! + slot * (((index - 1) % fanOut) + 0.5))
    length[index] = Math.floor(slot * (index % 997 === 0 ? 12 : 0.9))
  }
  const waiting = Array.from({ length: services }, (): Span[] => [])
  const send = (service: number) => sendTraces(spoor, traces(`service-${service}`, waiting[service]!.splice(0)))
  for (let index = 0; index < size; index++) {
    const service = (index * 7 + (index >>> 6)) % services
    const start = begin + BigInt(from[index]!)
    const isQuery = index % 3 === 0
    const kind = (index % 3) + 1
    waiting[service]!.push(
      span({
        traceId,
        spanId: hex(index + 1, 16),
        parentSpanId: index === 0 ? '' : hex(Math.floor((index - 1) / fanOut) + 1, 16),
        name: isQuery ? `SELECT shop.table_${index % 6}` : `GET /api/v1/resource-${service}/{id}/part-${index % 6}`,
        kind,
        startTimeUnixNano: start,
        endTimeUnixNano: start + BigInt(length[index]!),
        attributes: [
          isQuery
            ? { key: 'db.system.name', value: { type: 'string', value: 'postgresql' } }
            : { key: 'http.response.status_code', value: { type: 'int', value: 200n } },
        ],
        status: index % 5003 === 5000 ? { code: 2, message: 'deadline exceeded' } : { code: 0, message: '' },
      }),
    )
    if (waiting[service]!.length === perRequest) await send(service)
  }
  for (let service = 0; service < services; service++) if (waiting[service]!.length > 0) await send(service)
}
