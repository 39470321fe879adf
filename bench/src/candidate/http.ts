import http from 'node:http'
import { countSpans } from '@spoor/otlp'
import { timed } from '../process/timed.ts'
import { LATEST, type Asker } from '../sections/asker.ts'
import { ORDER_KEY } from '../workload/span.ts'

/** Asks the running program through its own API, over one kept connection, with the whole answer read. */
export function askOverHttp(page: string): Asker {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const get = (path: string): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const url = new URL(path, page)
      const request = http.get(url, { agent }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('error', reject)
        response.once('end', () => {
          const body = Buffer.concat(chunks)
          if (response.statusCode === 200) resolve(body)
          else reject(new Error(`${url.href} answered ${response.statusCode}: ${body.toString()}`))
        })
      })
      request.once('error', reject)
    })
  const search = async (q: string) => {
    const { ms, result } = await timed(() =>
      get(`/api/spoor/v1/search?q=${encodeURIComponent(q)}&order=newest&limit=${LATEST}`),
    )
    const { traces } = JSON.parse(result.toString()) as { traces: readonly { traceId: string }[] }
    return { ms, ids: traces.map((trace) => trace.traceId) }
  }
  return {
    async trace(id) {
      const { ms, result } = await timed(() => get(`/api/spoor/v1/traces/${id}`))
      return { ms, spans: countSpans(result) }
    },
    latest: (service) => search(`service:${service}`),
    order: (value) => search(`${ORDER_KEY}:${value}`),
  }
}
