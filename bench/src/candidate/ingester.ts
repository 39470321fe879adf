/** The program under test, as `spoor` starts it, in its own process: `ingester.ts <data directory>`; says where it listens. */
import { createLogger, startSpoor } from 'spoor'
import { say } from '../process/child.ts'

export interface IngesterReady {
  /** `host:port` */
  readonly grpc: string
  /** URL of the page and the query APIs. */
  readonly page: string
}

const [data] = process.argv.slice(2)
if (!data) throw new Error('usage: ingester.ts <data directory>')
const spoor = await startSpoor({
  data,
  pagePort: 0,
  otlpGrpcPort: 0,
  otlpHttpPort: 0,
  logger: createLogger('warn'),
})

process.once('SIGTERM', () => {
  spoor.stop().then(
    () => process.exit(0),
    (error: unknown) => {
      console.error('spoor:', error)
      process.exit(1)
    },
  )
})

const grpc = spoor.urls.otlpGrpc
if (!grpc) throw new Error('spoor does not listen for gRPC')
say({ grpc: grpc.replace(/^[a-z]+:\/\//, ''), page: spoor.urls.page } satisfies IngesterReady)
