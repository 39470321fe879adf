/**
 * A shop of one page for the tests of `@spoor/web`, run instrumented: its page loads the built script, asks by fetch and XHR, and the query of its address says
 * what else it is to do. `PORT`: of the page; `OTHER_PORT`: of a second origin; `SPOOR_WEB`: the script.
 */
import { readFileSync } from 'node:fs'
import express from 'express'

const script = readFileSync(process.env['SPOOR_WEB']!)
const port = Number(process.env['PORT'])
const otherPort = Number(process.env['OTHER_PORT'])
const seen: Record<string, string | undefined>[] = []

const app = express()
app.get('/spoor-web.js', (_request, response) => void response.type('js').send(script))
app.get('/api/seen', (_request, response) => void response.json(seen))
app.get('/api/:what', (request, response) => {
  const { what } = request.params
  seen.push({ what, traceparent: request.get('traceparent') })
  response.set('access-control-allow-origin', '*').set('access-control-allow-headers', 'traceparent')
  if (what === 'never') return
  response.status(what === 'broken' ? 500 : 200).json({ what })
})
app.options(
  '/api/:what',
  (_request, response) =>
    void response.set('access-control-allow-origin', '*').set('access-control-allow-headers', 'traceparent').end(),
)
app.get('/', (request, response) => {
  const { to, csp, tag = '', run = '' } = request.query as Record<string, string | undefined>
  if (csp) response.set('content-security-policy', csp)
  response.send(`<!doctype html><title>shop</title><link rel="icon" href="data:,">
<script src="/spoor-web.js" data-service="shop-web" data-url="${to}" ${tag}></script>
<script>${run}</script><h1>shop</h1>`)
})
app.listen(port, '127.0.0.1')
app.listen(otherPort, '127.0.0.1')
