import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { nodeFileSystem } from '../files/file-system.ts'
import { Catalog } from '../read/catalog.ts'
import { dependencies } from '../read/dependencies.ts'
import { toMessage } from './error.ts'
import { sampleAttributes } from '../read/attribute-sample.ts'
import type { Call, Change, FromReader, ReaderStats, Results, ToReader, WorkerStart } from './protocol.ts'
import { search } from '../read/search.ts'
import { traceWords } from '../read/summary.ts'
import { TraceStream } from '../read/trace-stream.ts'
import { Turn } from '../read/turn.ts'

/*
 * The reader thread: answers queries from the files, and knows of each block from the writer. A change is sent by the writer
 * before it acknowledges, so whoever was acknowledged finds it in the port's queue here: `catchUp` before each answer is what makes
 * read-your-writes hold.
 */
const { settings, port } = workerData as WorkerStart
const main = parentPort!
const catalog = new Catalog(nodeFileSystem, settings.directory, settings.cacheBytes)
const turns = new Map<number, Turn>()
const streams = new Map<number, TraceStream>()

port.on('message', (change: Change) => catalog.apply(change))
main.on('message', (message: ToReader) => {
  if ('cancel' in message) turns.get(message.id)?.stop()
  else void answer(message.id, message.call, message.timeoutMs)
})

function catchUp(): void {
  for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port))
    catalog.apply(next.message as Change)
}

async function answer(id: number, call: Call, timeoutMs: number): Promise<void> {
  let reply: FromReader
  try {
    catchUp()
    reply = { id, result: await perform(id, call, timeoutMs) }
  } catch (error) {
    reply = { id, error: toMessage(error, call.method) }
  }
  turns.delete(id)
  main.postMessage(reply, [])
  if (call.method === 'close') {
    port.close()
    main.close()
  }
}

async function perform(id: number, call: Call, timeoutMs: number): Promise<Results[Call['method']]> {
  switch (call.method) {
    case 'search': {
      const turn = turnOf(id, timeoutMs)
      return withBlocks((blocks) => search(blocks, call.query, turn))
    }
    case 'openTrace':
      streams.set(id, new TraceStream(catalog.use(), traceWords(call.traceId)))
      return id
    case 'nextTrace':
      return streams.get(call.stream)!.next()
    case 'closeTrace':
      if (streams.delete(call.stream)) catalog.release()
      return undefined
    case 'services':
      return catalog.services()
    case 'operations':
      return catalog
        .operations(call.service)
        .filter(({ kind }) => call.kind === undefined || kind === call.kind)
        .sort((a, b) => (a.name === b.name ? a.kind - b.kind : a.name < b.name ? -1 : 1))
    case 'attributeKeys':
      return withBlocks((blocks) => sampleAttributes(blocks, undefined, call.limit, turnOf(id, timeoutMs)))
    case 'attributeValues':
      return withBlocks((blocks) => sampleAttributes(blocks, call.key, call.limit, turnOf(id, timeoutMs)))
    case 'dependencies':
      return withBlocks((blocks) => dependencies(blocks, call.from, call.to, turnOf(id, timeoutMs)))
    case 'stats':
      return stats()
    default:
      catalog.close()
      return undefined
  }
}

function turnOf(id: number, timeoutMs: number): Turn {
  const turn = new Turn(timeoutMs)
  turns.set(id, turn)
  return turn
}

async function withBlocks<T>(use: (blocks: ReturnType<Catalog['use']>) => Promise<T>): Promise<T> {
  try {
    return await use(catalog.use())
  } finally {
    catalog.release()
  }
}

function stats(): ReaderStats {
  const blocks = catalog.use()
  catalog.release()
  let spans = 0
  let oldest: bigint | undefined
  let newest: bigint | undefined
  for (const block of blocks) {
    if (block.spans === 0) continue
    spans += block.spans
    if (oldest === undefined || block.minStart < oldest) oldest = block.minStart
    if (newest === undefined || block.maxStart > newest) newest = block.maxStart
  }
  return { spans, blocks: blocks.length, segments: catalog.segmentCount, oldest, newest }
}
