/** The control of a running world over HTTP, on loopback only: what there is, and the switches of its faults. */
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { once } from 'node:events'
import { FaultError } from '../faults/board.ts'
import type { FaultBoard, FaultSwitch } from '../faults/board.ts'
import { FAULTS } from '../faults/catalogue.ts'
import type { FaultKind, FaultName } from '../faults/catalogue.ts'
import { controlPage } from './page.ts'

/** `GET /world`. */
export interface WorldAnswer {
  /** Spoor's page. */
  readonly page: string
  /** The address that takes photographs, as a client on the client's site reaches it. */
  readonly upload: string
  /** Where that client reports to: OTLP over HTTP. */
  readonly otlp: string
  readonly photographs: string
  readonly services: readonly { readonly name: string; readonly site?: string; readonly running: boolean }[]
  /** All that runs, Spoor and collectors, too. */
  readonly processes: readonly { readonly name: string; readonly pid: number }[]
  readonly links: readonly { readonly name: string; readonly up: boolean; readonly text: string }[]
  readonly faults: readonly (FaultKind & { readonly name: FaultName; readonly at: readonly string[] })[]
  readonly on: readonly FaultSwitch[]
}

/** What the control needs of its world. */
export interface Controlled {
  readonly board: FaultBoard
  describe(): Omit<WorldAnswer, 'faults' | 'on'>
}

const HOST = '127.0.0.1'
const MOST_BODY = 10_000
const ROUTE = /^\/faults\/([a-z_]+)\/([^/]+)$/

/**
 * Listens. Answers only who asks this machine by its own names, and no page of another origin.
 *
 * `GET /` the page; `GET /world` {@link WorldAnswer}; `PUT /faults/:name/:at` with a JSON object of numbers switches on;
 * `DELETE` switches off; `DELETE /faults` switches all off. Errors are 400 or 404 with `{"error": "…"}`.
 */
export async function startControl(world: Controlled, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request, world)
      .then(({ status, body, type = 'application/json' }) => {
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
        response.end(typeof body === 'string' ? body : JSON.stringify(body))
      })
      .catch((error: unknown) => fail(response, error))
  })
  server.listen(port, HOST)
  await once(server, 'listening')
  return server
}

interface Answer {
  readonly status: number
  readonly body: object | string
  readonly type?: string
}

async function answer(request: IncomingMessage, world: Controlled): Promise<Answer> {
  const { method = 'GET', url = '/', headers } = request
  const own = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/
  const origin = headers.origin
  if (!own.test(headers.host ?? '') || (origin !== undefined && origin !== `http://${headers.host}`))
    return { status: 403, body: { error: 'the world is controlled from its own machine only' } }
  const { pathname } = new URL(url, 'http://localhost')
  if (method === 'GET' && pathname === '/') return { status: 200, body: controlPage, type: 'text/html; charset=utf-8' }
  if (method === 'GET' && pathname === '/world') return { status: 200, body: describe(world) }
  if (method === 'DELETE' && pathname === '/faults') {
    await world.board.clear()
    return { status: 200, body: { on: world.board.on } }
  }
  const [, fault = '', at = ''] = ROUTE.exec(pathname) ?? []
  if (fault === '' || (method !== 'PUT' && method !== 'DELETE'))
    return { status: 404, body: { error: 'GET /world, PUT or DELETE /faults/:name/:at, DELETE /faults' } }
  try {
    if (method === 'PUT')
      return { status: 200, body: await world.board.switchOn(fault, decodeURIComponent(at), await bodyOf(request)) }
    await world.board.switchOff(fault, decodeURIComponent(at))
    return { status: 200, body: { on: world.board.on } }
  } catch (error) {
    if (!(error instanceof FaultError)) throw error
    return { status: 400, body: { error: error.message } }
  }
}

function describe(world: Controlled): WorldAnswer {
  const { board } = world
  const faults = Object.entries(FAULTS).map(([key, kind]) => {
    const name = key as FaultName
    return { ...kind, name, at: board.places(name) }
  })
  return { ...world.describe(), faults, on: board.on }
}

/** A JSON object, or nothing. */
async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = ''
  for await (const chunk of request as AsyncIterable<Buffer>) {
    text += chunk.toString()
    if (text.length > MOST_BODY) throw new FaultError('the body is too large')
  }
  if (text === '') return {}
  try {
    const body = JSON.parse(text) as unknown
    if (typeof body === 'object' && body !== null) return body as Record<string, unknown>
  } catch {
    // Told below.
  }
  throw new FaultError('the body is no JSON object')
}

function fail(response: ServerResponse, error: unknown): void {
  response.writeHead(500, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }))
}
