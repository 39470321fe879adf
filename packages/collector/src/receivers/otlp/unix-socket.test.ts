import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { tracesRequest } from '../../testkit/index.ts'
import { http2Request, startReceiver } from './fixture.ts'
import { otlpReceiver } from './index.ts'

const request = tracesRequest({ spans: 3 })

describe('transport: unix', () => {
  const directory = (): string => {
    const made = mkdtempSync(join(tmpdir(), 'spoor-socket-'))
    onTestFinished(() => rmSync(made, { recursive: true }))
    return made
  }

  test('both protocols are served on a socket, which goes with the receiver', async () => {
    const path = join(directory(), 'otlp.sock')
    const { sink, stop, http: address } = await startReceiver({ http: { transport: 'unix', endpoint: path } })
    expect(address).toBe(`unix:${path}`)
    const status = await new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/x-protobuf' }
      const post = http.request({ socketPath: path, path: '/v1/traces', method: 'POST', headers }, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      })
      post.on('error', reject)
      post.end(request)
    })
    expect(status).toBe(200)
    const session = http2.connect('http://localhost', { createConnection: () => net.connect(path) })
    const prefix = Buffer.alloc(5)
    prefix.writeUInt32BE(request.length, 1)
    const { trailers } = await http2Request(
      session,
      {
        ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
        'content-type': 'application/grpc',
        te: 'trailers',
      },
      [prefix, request],
    )
    session.destroy()
    expect(trailers['grpc-status']).toBe('0')
    expect(sink.items).toBe(6)
    await stop()
    expect(existsSync(path)).toBe(false)
  })

  test('a socket that a dead process has left is taken over; one that is in use is not', async () => {
    const path = join(directory(), 'otlp.sock')
    const first = await startReceiver({ http: { transport: 'unix', endpoint: path } })
    await expect(startReceiver({ http: { transport: 'unix', endpoint: path } })).rejects.toThrow(/is taken/)
    await first.stop()
    // A process that is killed leaves its socket there.
    const { execFileSync } = await import('node:child_process')
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    expect(() => execFileSync(process.execPath, ['-e', script], { stdio: 'ignore' })).toThrow()
    expect(existsSync(path)).toBe(true)
    const second = await startReceiver({ http: { transport: 'unix', endpoint: path } })
    expect(second.http).toBe(`unix:${path}`)
  })

  test('a file that is no socket stays as it is, and the port is refused', async () => {
    const path = join(directory(), 'notes.txt')
    writeFileSync(path, 'mine')
    await expect(startReceiver({ http: { transport: 'unix', endpoint: path } })).rejects.toMatchObject({
      code: 'listen',
    })
    expect(readFileSync(path, 'utf8')).toBe('mine')
  })

  test('what is no path, or no host and port, is told', () => {
    const problemOf = (protocols: object): unknown => {
      const parsed = otlpReceiver.config.safeParse({ protocols })
      return parsed.success ? undefined : parsed.error.issues.map(({ path, message }) => [path.join('.'), message])
    }
    expect(problemOf({ grpc: { transport: 'unix', endpoint: 'localhost:4317' } })).toEqual([
      ['protocols.grpc.endpoint', expect.stringContaining('not the path of a socket') as string],
    ])
    expect(problemOf({ http: { endpoint: '/tmp/x.sock' } })).toEqual([
      ['protocols.http.endpoint', expect.stringContaining('not an endpoint') as string],
    ])
    expect(problemOf({ http: { traces_url_path: ':invalid' } })).toEqual([
      ['protocols.http.traces_url_path', expect.stringContaining('not a path') as string],
    ])
  })
})
