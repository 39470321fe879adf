/** Asks the local engine of @spoor/storage, in a process of its own: `store.ts <data directory>`. */
import { countSpans } from '@spoor/otlp'
import { collectSearch, openLocalStore, type SearchQuery } from '@spoor/storage'
import { ORDER_KEY } from 'spoor/loadgen'
import { answer, say } from '../process/child.ts'
import { timed } from '../process/timed.ts'
import { LATEST } from '../sections/asker.ts'

const [directory] = process.argv.slice(2)
if (!directory) throw new Error('usage: store.ts <data directory>')
const store = await openLocalStore({ directory })

const search = async (query: SearchQuery) => {
  const { ms, result } = await timed(() => collectSearch(store.search(query)))
  return { ms, ids: result.traces.map((trace) => trace.traceId) }
}

answer({
  async trace(id: string) {
    const { ms, result } = await timed(async () => {
      const chunks: Uint8Array[] = []
      for await (const chunk of store.trace(id)) chunks.push(chunk)
      return chunks
    })
    return { ms, spans: result.reduce((spans, chunk) => spans + countSpans(chunk), 0) }
  },
  latest: (service: string) =>
    search({ filter: { op: 'eq', target: { field: 'service' }, value: service }, order: 'newest', limit: LATEST }),
  order: (value: string) =>
    search({ filter: { op: 'eq', target: { attribute: ORDER_KEY }, value }, order: 'newest', limit: LATEST }),
})

process.once('SIGTERM', () => {
  store.close().then(
    () => process.exit(0),
    (error: unknown) => {
      console.error('store:', error)
      process.exit(1)
    },
  )
})
say({})
