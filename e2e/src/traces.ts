import { type Span, type TracesData, encodeTraces } from '@spoor/otlp'
import type { RunningSpoor } from './spoor.ts'

/** When this file was loaded, in nanoseconds since 1970. */
export const now = BigInt(Date.now()) * 1_000_000n
export const ms = 1_000_000n

/** A span of 10 ms that starts {@link now}, but for what is given. */
export function span(fields: Partial<Span> & Pick<Span, 'traceId' | 'spanId' | 'name'>): Span {
  return {
    traceState: '',
    parentSpanId: '',
    flags: 0,
    kind: 1,
    startTimeUnixNano: now,
    endTimeUnixNano: now + 10n * ms,
    attributes: [],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 0, message: '' },
    ...fields,
  }
}

export function traces(service: string, spans: readonly Span[]): TracesData {
  return {
    resourceSpans: [
      {
        resource: {
          attributes: [{ key: 'service.name', value: { type: 'string', value: service } }],
          droppedAttributesCount: 0,
        },
        scopeSpans: [
          { scope: { name: 'e2e', version: '', attributes: [], droppedAttributesCount: 0 }, spans, schemaUrl: '' },
        ],
        schemaUrl: '',
      },
    ],
  }
}

/** Sends them over HTTP; throws when they are not taken. */
export async function sendTraces({ http }: RunningSpoor, data: TracesData): Promise<void> {
  const response = await fetch(`${http}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: encodeTraces(data) as BodyInit,
  })
  if (response.status !== 200) throw new Error(`Spans were not taken: ${response.status} ${await response.text()}`)
}
