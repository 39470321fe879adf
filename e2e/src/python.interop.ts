import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Span, decodeTraces } from '@spoor/otlp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningSpoor, root, startSpoor } from './spoor.ts'

const run = promisify(execFile)
const venv = join(root, '.cache', 'python')
const python = join(venv, 'bin', 'python')

let spoor: RunningSpoor
beforeAll(async () => {
  if (!existsSync(python)) await run('python3', ['-m', 'venv', venv])
  await run(python, ['-m', 'pip', 'install', '--quiet', 'opentelemetry-sdk', 'opentelemetry-exporter-otlp'])
  spoor = await startSpoor()
})
afterAll(async () => {
  await spoor.remove()
})

describe('a Python service with the official SDK', () => {
  it.each([
    ['http', 'none'],
    ['http', 'gzip'],
    ['grpc', 'none'],
    ['grpc', 'gzip'],
  ])('reports over %s, compression %s', async (protocol, compression) => {
    const endpoint = protocol === 'grpc' ? `http://${spoor.grpc}` : spoor.http
    const { stdout } = await run(python, [join(root, 'e2e', 'python', 'service.py'), protocol, endpoint, compression])
    const response = await fetch(`${spoor.page}/api/spoor/v1/traces/${stdout.trim()}`)
    expect(response.status).toBe(200)
    const data = decodeTraces(new Uint8Array(await response.arrayBuffer()))
    const spans: Span[] = data.resourceSpans.flatMap((one) => one.scopeSpans.flatMap((scope) => scope.spans))
    const parent = spans.find((span) => span.name === 'parent')!
    const child = spans.find((span) => span.name === 'child')!
    expect(child.parentSpanId).toBe(parent.spanId)
    expect(parent).toMatchObject({ kind: 2, status: { code: 2, message: 'child failed' } })
    expect(parent.links[0]).toMatchObject({ traceId: `a${'0'.repeat(31)}`, spanId: `b${'0'.repeat(15)}` })
    expect(parent.attributes).toContainEqual({ key: 'n', value: { type: 'int', value: 2n ** 53n + 1n } })
    expect(child.attributes).toContainEqual({ key: 'raw', value: { type: 'bytes', value: new Uint8Array([0, 255]) } })
    expect(child.events.map((event) => event.name)).toEqual(['cache.miss', 'exception'])
  })
})
