/** Who a golden case's exporter sends to: takes all, and keeps it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SentBody } from './wire-case.ts'

export interface WireServer {
  /** `host:port` */
  readonly address: string
  readonly bodies: readonly SentBody[]
  close(): Promise<void>
}

export async function startWireServer(): Promise<WireServer> {
  const bodies: SentBody[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      bodies.push({ path: request.url!, type: request.headers['content-type'] ?? '', body: Buffer.concat(parts) })
      response.writeHead(202).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
