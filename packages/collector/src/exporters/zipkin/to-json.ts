/** Version 2 of Zipkin's JSON. */
import type { ZipkinEndpoint, ZipkinSpan } from '../../zipkin-helper/index.ts'

export function spansToJson(spans: readonly ZipkinSpan[]): Uint8Array {
  return Buffer.from(JSON.stringify(spans.map(spanToJson)))
}

/** What is not known is left out. Names are written in lower case, as Zipkin does. */
function spanToJson(span: ZipkinSpan): object {
  const { timestampUs, durationUs, traceId, id, parentId, name, kind, local, remote, annotations, tags } = span
  return {
    ...(timestampUs > 0n && { timestamp: Number(timestampUs) }),
    ...(durationUs > 0n && { duration: Number(durationUs) }),
    // One of 64 bits is written with 16 digits.
    traceId: traceId.replace(/^0{16}/, ''),
    id,
    ...(parentId !== '' && { parentId }),
    ...(name !== '' && { name: name.toLowerCase() }),
    ...(kind && { kind }),
    ...(local && { localEndpoint: endpointToJson(local) }),
    ...(remote && { remoteEndpoint: endpointToJson(remote) }),
    ...(annotations.length > 0 && {
      annotations: annotations.map((each) => ({ timestamp: Number(each.timestampUs), value: each.value })),
    }),
    ...(tags.size > 0 && { tags: Object.fromEntries(tags) }),
  }
}

function endpointToJson({ serviceName, ipv4, ipv6, port }: ZipkinEndpoint): object {
  return {
    ...(serviceName !== '' && { serviceName: serviceName.toLowerCase() }),
    ...(ipv4 !== '' && { ipv4 }),
    ...(ipv6 !== '' && { ipv6 }),
    ...(port > 0 && { port }),
  }
}
