/** `sink.ts <traces>`: where what is kept comes out, over OTLP/HTTP, in a process of its own. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { answer, say } from '../process/child.ts'
import { ArrivalBook } from './numbered.ts'

const book = new ArrivalBook(Number(process.argv[2]))

const server = http.createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    book.take(Buffer.concat(chunks))
    response.writeHead(200, { 'content-type': 'application/x-protobuf', 'content-length': 0 }).end()
  })
})
answer({
  arrivals: () => book.arrivals,
  missing: ({ traces, max }: { traces: number; max: number }) => book.missing(traces, max),
})
server.listen(0, '127.0.0.1', () => say({ http: `127.0.0.1:${(server.address() as AddressInfo).port}` }))
