import { createServer } from 'node:net'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventually, freePorts, root, runProgram, startSpoor } from './spoor.ts'

const main = join(root, 'packages', 'server', 'bin', 'spoor.js')

describe('spoor on the command line', () => {
  it('names a port that is taken, and the way out', async () => {
    const blocker = createServer().listen(0, '127.0.0.1')
    await once(blocker, 'listening')
    const taken = (blocker.address() as { port: number }).port
    const data = await mkdtemp(join(tmpdir(), 'spoor-cli-'))
    const [page, http] = await freePorts(2)
    const program = runProgram([
      main,
      '--data',
      data,
      '--page-port',
      `${page}`,
      '--otlp-http-port',
      `${http}`,
      '--otlp-grpc-port',
      `${taken}`,
    ])
    await eventually('spoor ends', async () => program.child.exitCode ?? undefined)
    expect(program.child.exitCode).not.toBe(0)
    expect(program.output()).toContain(String(taken))
    expect(program.output()).toContain('--otlp-grpc-port')
    blocker.close()
    await rm(data, { recursive: true, force: true })
  })

  it('finds yesterday’s traces after a restart', async () => {
    const first = await startSpoor()
    const traceId = crypto.randomUUID().replaceAll('-', '')
    const body = JSON.stringify({
      resourceSpans: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'yesterday' } }] },
          scopeSpans: [
            {
              spans: [{ traceId, spanId: '00f067aa0ba902b7', name: 'x', startTimeUnixNano: '1', endTimeUnixNano: '2' }],
            },
          ],
        },
      ],
    })
    const answer = await fetch(`${first.http}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    expect(answer.status).toBe(200)
    expect(await first.stop()).toBe(0)

    const second = await startSpoor(first.data)
    const found = await fetch(`${second.page}/api/traces/${traceId}`)
    expect(found.status).toBe(200)
    expect(await found.text()).toContain('yesterday')
    await second.remove()
  })

  it('says what a wrong option is', async () => {
    const program = runProgram([main, '--page-prot', '1'])
    await eventually('spoor ends', async () => program.child.exitCode ?? undefined)
    expect(program.child.exitCode).not.toBe(0)
    expect(program.output()).toMatch(/page-?[pP]rot/)
  })
})
