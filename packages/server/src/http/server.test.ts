import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { createCounters, type Logger } from '@spoor/collector'
import { createBatch } from '@spoor/otlp'
import { openLocalStore, type TraceStore } from '@spoor/storage'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Vitals } from '../health.ts'
import { createLogger } from '../logging.ts'
import { createIntake } from '../storage-exporter.ts'
import { idleCollector, requestOf, spanIdOf, traceIdOf } from '../testkit.ts'
import { createQueryServer } from './server.ts'

const INDEX = '<!doctype html><script>theme()</script><script type="module" src="/assets/app-abc.js"></script>'
let directory: string
let store: TraceStore
let app: FastifyInstance
let bare: FastifyInstance

async function serverWith(place: string, logger: Logger = createLogger('silent')): Promise<FastifyInstance> {
  const status = () => Promise.reject(new Error('not asked for here'))
  const vitals = (): Vitals => ({ phase: 'running', store, intake: createIntake(), failure: undefined })
  const options = {
    host: '0.0.0.0',
    vitals,
    store: () => store,
    counters: createCounters(),
    logger,
    status,
    collector: idleCollector(),
  }
  return createQueryServer({ ...options, pageFolder: place })
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spoor-page-'))
  const page = join(directory, 'page')
  await mkdir(join(page, 'assets'), { recursive: true })
  await writeFile(join(page, 'index.html'), INDEX)
  await writeFile(join(page, 'favicon.svg'), '<svg/>')
  await writeFile(join(page, 'assets', 'app-abc.js'), 'plain')
  await writeFile(join(page, 'assets', 'app-abc.js.gz'), gzipSync('packed'))
  store = await openLocalStore({ directory: join(directory, 'data') })
  app = await serverWith(page)
  bare = await serverWith(join(directory, 'nowhere'))
})
afterAll(async () => {
  await app.close()
  await bare.close()
  await store.close()
  await rm(directory, { recursive: true, force: true })
})

describe('the page', () => {
  it.each(['/', '/search?q=a.b', `/trace/${traceIdOf(1)}`, '/dependencies', '/index.html'])('is at %s', async (url) => {
    const response = await app.inject(url)
    expect([response.statusCode, response.body]).toEqual([200, INDEX])
    expect(response.headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' })
  })

  it('allows its own inline script by its hash, and no other', async () => {
    const { headers } = await app.inject('/')
    // printf 'theme()' | openssl dgst -sha256 -binary | base64
    expect(headers['content-security-policy']).toContain(
      "script-src 'self' 'sha256-Rfr3GgHZFiXm+TmNr+li+0sZ4J9FGllo8jsXcJF5XZ8=';",
    )
  })

  it('has files with a hash in their name kept, the others asked for again', async () => {
    expect((await app.inject('/assets/app-abc.js')).headers['cache-control']).toBe(
      'public, max-age=31536000, immutable',
    )
    expect((await app.inject('/favicon.svg')).headers).toMatchObject({
      'cache-control': 'no-cache',
      'content-type': 'image/svg+xml',
    })
  })

  it('sends what was compressed beforehand', async () => {
    const packed = await app.inject({ url: '/assets/app-abc.js', headers: { 'accept-encoding': 'gzip' } })
    expect(packed.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(packed.rawPayload).toString()).toBe('packed')
    expect((await app.inject('/assets/app-abc.js')).body).toBe('plain')
  })

  it.each(['/assets/old-123.js', '/nothing.css', '/api'])('is not sent in place of %s', async (url) => {
    expect((await app.inject(url)).statusCode).toBe(404)
  })

  it('keeps to its own directory', async () => {
    expect((await app.inject('/assets/..%2f..%2fdata%2flock')).statusCode).toBe(403)
  })

  it('says how it is built when it is not there', async () => {
    for (const url of ['/', '/search']) {
      const response = await bare.inject(url)
      expect(response.statusCode).toBe(503)
      expect(response.body).toContain('npm run build')
    }
    expect((await bare.inject('/api/services')).statusCode).toBe(200)
  })
})

it('makes no trouble of a client that has left before it was answered', async () => {
  const lines: unknown[] = []
  const log = (...line: unknown[]): void => void lines.push(line)
  const own = await serverWith(directory, { print: log, debug: log, info: log, warn: log, error: log })
  const { hostname, port } = new URL(await own.listen({ port: 0 }))
  let requests = 0
  own.server.on('request', () => requests++)
  const gone = connect(Number(port), hostname).on('error', () => {})
  gone.write('GET /api/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n')
  // Both are there when the server first looks.
  gone.once('connect', () => gone.resetAndDestroy())
  await expect.poll(() => requests).toBe(1)
  expect((await fetch(`http://127.0.0.1:${port}/api/nothing`)).status).toBe(404)
  await own.close()
  expect(lines).toEqual([])
})

describe('answers of the APIs', () => {
  const from = (url: string, remoteAddress: string, coding: string) =>
    app.inject({ url, remoteAddress, headers: { 'accept-encoding': coding } })

  beforeAll(async () => {
    const spans = Array.from({ length: 400 }, (_, index) => ({
      traceId: traceIdOf(5),
      spanId: spanIdOf(index + 1),
      name: `operation ${index}`,
    }))
    await store.append(createBatch('traces', [{ bytes: requestOf('large', spans), items: spans.length }]))
  })

  it.each([`/api/traces/${traceIdOf(5)}`, `/api/spoor/v1/traces/${traceIdOf(5)}`, '/api/operations?service=large'])(
    '%s is compressed for other machines that take gzip, and for nobody else',
    async (url) => {
      const plain = await from(url, '127.0.0.1', 'gzip')
      expect(plain.headers['content-encoding']).toBeUndefined()
      expect(plain.rawPayload.length).toBeGreaterThan(4096)
      const packed = await from(url, '192.0.2.1', 'br, gzip;q=0.5')
      expect(packed.headers['content-encoding']).toBe('gzip')
      expect(gunzipSync(packed.rawPayload).equals(plain.rawPayload)).toBe(true)
      for (const coding of ['br', 'gzip;q=0', 'gzip;q=0.0, br']) {
        expect((await from(url, '192.0.2.1', coding)).headers['content-encoding']).toBeUndefined()
      }
      expect((await from(url, '::ffff:127.0.0.1', 'gzip')).headers['content-encoding']).toBeUndefined()
    },
  )

  it('are sent as they are when they are small', async () => {
    expect((await from('/api/services', '192.0.2.1', 'gzip')).headers['content-encoding']).toBeUndefined()
  })
})
