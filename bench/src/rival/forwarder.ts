/**
 * The rival of the collector: receive with grpc-js, decode with protobufjs, gather batches of 8,192 spans or 200 ms,
 * encode, send with grpc-js. Takes the responsibility when spans are in the batch, as otelcol's batch processor does,
 * and waits when four batches are on their way, so that its memory is bounded. Its own process: `forwarder.ts <sink
 * address> <none|gzip>`; says the address that it listens on.
 */
import { compressionAlgorithms, credentials, makeGenericClientConstructor } from '@grpc/grpc-js'
import { say } from '../process/child.ts'
import { spansIn, type ProtoRequest, type ProtoResourceSpans } from './proto.ts'
import { serveTraces, traceService } from './service.ts'

const BATCH_SPANS = 8192
const BATCH_MS = 200
const EXPORTS_IN_FLIGHT = 4

const [sink, compression] = process.argv.slice(2)
if (!sink || (compression !== 'none' && compression !== 'gzip')) {
  throw new Error('usage: forwarder.ts <sink host:port> <none|gzip>')
}

const Client = makeGenericClientConstructor(traceService, 'TraceService')
const client = new Client(sink, credentials.createInsecure(), {
  'grpc.default_compression_algorithm':
    compression === 'gzip' ? compressionAlgorithms.gzip : compressionAlgorithms.identity,
})
const call = client['Export']?.bind(client)
if (!call) throw new Error('the client has no Export')

let batch: ProtoResourceSpans[] = []
let batched = 0
let timer: NodeJS.Timeout | undefined
let exporting = 0
const waiting: (() => void)[] = []

const full = (): boolean => exporting >= EXPORTS_IN_FLIGHT

async function take(request: ProtoRequest): Promise<void> {
  while (full()) await new Promise<void>((resolve) => waiting.push(resolve))
  for (const resource of request.resourceSpans) batch.push(resource)
  batched += spansIn(request)
  if (batched >= BATCH_SPANS) flush()
  else timer ??= setTimeout(flush, BATCH_MS)
}

function flush(): void {
  clearTimeout(timer)
  timer = undefined
  const request: ProtoRequest = { resourceSpans: batch }
  batch = []
  batched = 0
  exporting++
  call?.(request, (error: Error | null) => {
    exporting--
    if (error) console.error(`forwarder: a batch was lost: ${error.message}`)
    for (const go of waiting.splice(0)) go()
  })
}

say({ grpc: await serveTraces(take) })
