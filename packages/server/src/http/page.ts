import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply } from 'fastify'

/** The built page, beside `dist/`. */
const PLACE = fileURLToPath(new URL('../../page/', import.meta.url))

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>spoor</title>
<body style="font:16px/1.5 system-ui;max-width:40em;margin:4em auto;padding:0 1em"><h1 style="font-size:1.2em">The page is not built</h1>
<p>Spoor runs, stores traces and answers its APIs, but its page is missing. In the workspace, build it with</p><pre>npm run build</pre>
<p>and reload. Until then: <a href="/api/spoor/v1/status">status</a>, <a href="/api/services">services</a>.</p></body></html>`

export interface Page {
  /** Sends the page for a path of its own (`/search`, `/trace/:id`). */
  send(reply: FastifyReply): FastifyReply
}

/**
 * Serves the built page. Files under `assets/` have a hash in their names and are kept by browsers for a year; all else
 * is asked for again each time. Files that were compressed beforehand (`.br`, `.gz` beside them) are sent so.
 */
export async function servePage(app: FastifyInstance, root = PLACE): Promise<Page> {
  if (!existsSync(join(root, 'index.html'))) {
    app.get('/', (_, reply) => sendHtml(reply.code(503), NOT_BUILT))
    return { send: (reply) => sendHtml(reply.code(503), NOT_BUILT) }
  }
  await app.register(fastifyStatic, {
    root,
    // Not a route for everything: what is unknown under /api must get that API's own answer.
    serve: false,
    preCompressed: true,
    cacheControl: false,
    setHeaders(reply, path) {
      const hashed = path.startsWith(join(root, 'assets'))
      void reply.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
  })
  app.get<{ Params: { '*': string } }>('/assets/*', (request, reply) => reply.sendFile(`assets/${request.params['*']}`))
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    const isOwnRoute = entry.name === 'index.html' || /\.(?:gz|br)$/.test(entry.name)
    if (entry.isFile() && !isOwnRoute) app.get(`/${entry.name}`, (_, reply) => reply.sendFile(entry.name))
  }
  const send = (reply: FastifyReply) => sendHtml(reply, readFileSync(join(root, 'index.html'), 'utf8'))
  app.get('/', (_, reply) => send(reply))
  app.get('/index.html', (_, reply) => send(reply))
  return { send }
}

function sendHtml(reply: FastifyReply, html: string): FastifyReply {
  return reply
    .header('content-type', 'text/html; charset=utf-8')
    .header('cache-control', 'no-cache')
    .header('content-security-policy', contentSecurityPolicy(html))
    .send(html)
}

/**
 * Only Spoor's own files, and the scripts that stand in the page itself, each by its hash. Styles may be inline:
 * layouts set them.
 */
function contentSecurityPolicy(html: string): string {
  const scripts = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
    ([, source]) => `'sha256-${createHash('sha256').update(source!).digest('base64')}'`,
  )
  return [
    "default-src 'self'",
    `script-src ${["'self'", ...scripts].join(' ')}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "worker-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'self'",
    "frame-ancestors 'self'",
  ].join('; ')
}
