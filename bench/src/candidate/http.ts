import { countSpans } from '@spoor/otlp'
import { ORDER_KEY } from 'spoor/loadgen'
import { timed } from '../process/timed.ts'
import { LATEST, type Asker } from '../sections/asker.ts'
import { createClient, okBody } from './client.ts'

/** Asks the running program through its own API. */
export function askOverHttp(page: string): Asker {
  const get = createClient(page)
  const search = async (q: string) => {
    const { ms, result } = await timed(() =>
      okBody(get, `/api/spoor/v1/search?q=${encodeURIComponent(q)}&order=newest&limit=${LATEST}`),
    )
    const { traces } = JSON.parse(result.toString()) as { traces: readonly { traceId: string }[] }
    return { ms, ids: traces.map((trace) => trace.traceId) }
  }
  return {
    async trace(id) {
      const { ms, result } = await timed(() => okBody(get, `/api/spoor/v1/traces/${id}`))
      return { ms, spans: countSpans(result) }
    },
    latest: (service) => search(`service:${service}`),
    order: (value) => search(`${ORDER_KEY}:${value}`),
  }
}
