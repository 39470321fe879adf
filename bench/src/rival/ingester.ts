/**
 * The rival of the backend: receive with grpc-js, decode with protobufjs, insert into SQLite, answer when the commit
 * is durable. What comes within 10 ms, up to 8,192 spans, goes into one transaction. Its own process: `ingester.ts
 * <database file>`; says the address that it listens on.
 */
import { say } from '../process/child.ts'
import { openDatabase } from './database.ts'
import { spansIn, type ProtoRequest } from './proto.ts'
import { serveTraces } from './service.ts'

const COMMIT_SPANS = 8192
const COMMIT_MS = 10

const [file] = process.argv.slice(2)
if (!file) throw new Error('usage: ingester.ts <database file>')
const database = openDatabase(file)

interface Waiting {
  readonly request: ProtoRequest
  readonly done: () => void
  readonly failed: (error: unknown) => void
}
let group: Waiting[] = []
let grouped = 0
let timer: NodeJS.Timeout | undefined

function commit(): void {
  clearTimeout(timer)
  timer = undefined
  const committed = group
  group = []
  grouped = 0
  try {
    database.insert(committed.map(({ request }) => request))
    for (const { done } of committed) done()
  } catch (error) {
    for (const { failed } of committed) failed(error)
  }
}

const take = (request: ProtoRequest): Promise<void> =>
  new Promise((done, failed) => {
    group.push({ request, done, failed })
    grouped += spansIn(request)
    if (grouped >= COMMIT_SPANS) commit()
    else timer ??= setTimeout(commit, COMMIT_MS)
  })

process.once('SIGTERM', () => {
  database.close()
  process.exit(0)
})

say({ grpc: await serveTraces(take) })
