import { encodeTraces, type Span } from '@spoor/otlp'

/** Spans of the trace. */
export const GIANT_SPANS = 1_000_000
/** Of one request. */
const REQUEST_SPANS = 2_000
/** Requests in flight. */
const SENDERS = 4
const TRACE_ID = '6a1a'.repeat(8)
const HOUR_NS = 3_600_000_000_000n

/** Sends one trace of very many spans, whose request takes an hour from `start` on, nanoseconds since 1970. Rejects where a request is not taken. */
export async function sendGiant(address: string, start: bigint): Promise<void> {
  let next = 0
  const send = async (): Promise<void> => {
    while (next < GIANT_SPANS) {
      const first = next
      next += REQUEST_SPANS
      const response = await fetch(`http://${address}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf' },
        body: requestOf(first, start),
      })
      await response.arrayBuffer()
      if (!response.ok) throw new Error(`a request of the large trace was answered ${response.status}`)
    }
  }
  await Promise.all(Array.from({ length: SENDERS }, send))
}

function requestOf(first: number, start: bigint): Uint8Array<ArrayBuffer> {
  const spans = Array.from({ length: REQUEST_SPANS }, (_, i) => spanOf(first + i, start))
  const resource = {
    attributes: [{ key: 'service.name', value: { type: 'string', value: 'batch' } as const }],
    droppedAttributesCount: 0,
  }
  const scope = { name: 'giant', version: '', attributes: [], droppedAttributesCount: 0 }
  return new Uint8Array(
    encodeTraces({ resourceSpans: [{ resource, schemaUrl: '', scopeSpans: [{ scope, schemaUrl: '', spans }] }] }),
  )
}

function spanOf(n: number, start: bigint): Span {
  const at = start + (HOUR_NS / BigInt(GIANT_SPANS)) * BigInt(n)
  return {
    traceId: TRACE_ID,
    spanId: (n + 1).toString(16).padStart(16, '0'),
    // Twenty to each, so that the tree is some levels deep.
    parentSpanId: n === 0 ? '' : (Math.floor((n - 1) / 20) + 1).toString(16).padStart(16, '0'),
    traceState: '',
    flags: 1,
    name: `step ${n % 50}`,
    kind: 1,
    startTimeUnixNano: at,
    endTimeUnixNano: n === 0 ? start + HOUR_NS : at + 1_000_000n,
    attributes: [{ key: 'batch.item', value: { type: 'int', value: BigInt(n) } }],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 0, message: '' },
  }
}
