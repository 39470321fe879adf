/**
 * The application under test: `application.ts <none|vanilla|spoor> <url of the sink>`. An Express service whose
 * one route asks another service, as most do: three spans a request.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module'
import type * as Http from 'node:http'
import type { AddressInfo } from 'node:net'
import type * as Instrument from '@spoor/instrument'
import type Express from 'express'
import { answer, say } from '../process/child.ts'

export type Tracing = 'none' | 'vanilla' | 'spoor'

export interface ApplicationReady {
  /** `http://host:port` */
  readonly url: string
  /** CPU milliseconds from the start of the process until the application listens. */
  readonly startMs: number
}

const [tracing, sink] = process.argv.slice(2)
Object.assign(process.env, { OTEL_SERVICE_NAME: 'bench', OTEL_EXPORTER_OTLP_ENDPOINT: sink, SPOOR_QUIET: '1' })
const flush = await startTracing()

// After tracing, as `--import` has it, and by require, which both ways of tracing see.
const require = createRequire(import.meta.url)
const http = require('node:http') as typeof Http
const express = require('express') as typeof Express
syncBuiltinESMExports()

const app = express()
const agent = new http.Agent({ keepAlive: true })
app.use((_request, _response, next) => next())
app.use(express.json())
app.get('/order/:id', (request, response, next) => {
  const [stock] = [String(request.headers['x-stock'])]
  http
    .get(`${stock}/stock/${request.params.id}`, { agent }, (found) => {
      found.resume().on('end', () => response.json({ id: request.params.id, found: found.statusCode }))
    })
    .on('error', next)
})
const server: Http.Server = app.listen(0, '127.0.0.1', () => {
  const { user, system } = process.cpuUsage()
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  say({ url, startMs: (user + system) / 1_000 } satisfies ApplicationReady)
})
answer({ flush: () => flush() })

async function startTracing(): Promise<() => Promise<void>> {
  if (tracing === 'vanilla') return (await import('./vanilla.ts')).flush
  if (tracing === 'none') return () => Promise.resolve()
  // As it is published, and not from its sources.
  const built = new URL('../../../packages/instrument/dist/bundle/', import.meta.url)
  await import(new URL('register.js', built).href)
  const { startTracing: start } = (await import(new URL('index.js', built).href)) as typeof Instrument
  return start().flush
}
