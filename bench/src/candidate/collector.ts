/** The collector under test, as the package offers it, in its own process: `collector.ts <YAML>`; says the addresses that it listens on. */
import { builtinFactories, createCollector, type Logger } from '@spoor/collector'
import { say } from '../process/child.ts'

export interface CollectorReady {
  /** `host:port` */
  readonly grpc: string
  readonly http: string
}

const logger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (fields, message) => console.error('collector:', message, fields),
  error: (fields, message) => console.error('collector:', message, fields),
}
const collector = createCollector({ config: process.argv[2] ?? '', factories: builtinFactories, logger })
await collector.start()

const address = (protocol: 'grpc' | 'http'): string => {
  const found = collector.listening().find((listener) => listener.protocol === protocol)
  if (!found) throw new Error(`the collector does not listen for ${protocol}`)
  return found.address
}

process.once('SIGTERM', () => {
  collector.shutdown({ deadlineMs: 5_000 }).then(
    () => process.exit(0),
    (error: unknown) => {
      console.error('collector:', error)
      process.exit(1)
    },
  )
})

say({ grpc: address('grpc'), http: address('http') } satisfies CollectorReady)
