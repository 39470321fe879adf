import net, { type AddressInfo } from 'node:net'
import { bytesToHex, createSpanColumns, scanSpans, type Signal } from '@spoor/otlp'

/** A port of an address of this machine on which nobody listens. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Sends a serialized request of traces to an OTLP/HTTP receiver, and gives the HTTP status of its answer. */
export async function postTraces(address: string, request: Uint8Array): Promise<number> {
  return postOtlp(address, 'traces', request)
}

/** The same for any signal. */
export async function postOtlp(address: string, signal: Signal, request: Uint8Array): Promise<number> {
  const response = await fetch(`http://${address}/v1/${signal}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: Buffer.from(request),
  })
  await response.arrayBuffer()
  return response.status
}

/** The span ids in serialized requests, as hex, in their order. */
export function spanIdsIn(requests: Uint8Array): string[] {
  const columns = createSpanColumns()
  scanSpans(requests, columns)
  return Array.from({ length: columns.count }, (_, row) => bytesToHex(columns.spanId, row * 8, row * 8 + 8))
}
