/**
 * Attacks on the receivers' memory, on a collector in a process of its own that is looked at from outside. Here they follow each
 * other on one process, and its peak is set back between them; `npm run memory` runs the long form: three times as many at once, each
 * on a fresh process, and tells the figures.
 */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import zlib from 'node:zlib'
import { afterAll, describe, expect, onTestFailed, onTestFinished, test } from 'vitest'
import { messagePrefix } from '../../otlp-protocol/grpc-message.ts'
import { GRPC_PATHS } from '../../otlp-protocol/services.ts'
import { tracesRequest } from '../../testkit/index.ts'

const MB = 1e6
const LONG = process.env['SPOOR_MEMORY_LONG'] !== undefined
/** Bombs at a time, without the budget some ten megabytes each. */
const BOMBS = LONG ? 300 : 60
/** Connections at a time, one half to each port. */
const IDLE = LONG ? 10_000 : 2_000
/** What the exporter takes. */
const BYTES_PER_SECOND = 100 * MB
const LIMIT_BYTES = 500 * MB

interface State {
  readonly used: number
  readonly connections: number
}

interface Subject {
  readonly grpc: string
  readonly http: string
  readonly peakBytes: () => number
  readonly residentBytes: () => number
  readonly state: () => Promise<State>
}

interface Started extends Subject {
  /** Makes what is resident now the peak; false where the kernel does not let us. */
  readonly resetPeak: () => boolean
  readonly stop: () => void
}

let current: Started | undefined
afterAll(() => current?.stop())

/**
 * The collector of the test before, or a fresh one after one that failed and in the long form. `fresh`: for attacks that go near
 * the limit, as V8 and malloc do not give back at once what those before have freed.
 */
async function start({ fresh = LONG } = {}): Promise<Subject> {
  if (fresh || current?.resetPeak() !== true) {
    current?.stop()
    current = await startFresh()
  }
  onTestFailed(() => {
    current?.stop()
    current = undefined
  })
  return current
}

async function startFresh(): Promise<Started> {
  const script = fileURLToPath(new URL('./memory.test.child.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=@spoor/source', script, String(BYTES_PER_SECOND)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })
  const ended = new Promise<never>((_, reject) => {
    child.once('exit', (code, signal) => reject(new Error(`the collector ended: ${code ?? signal}`)))
  })
  ended.catch(() => {})
  const line = (): Promise<string> =>
    Promise.race([ended, new Promise<string>((resolve) => lines.once('line', resolve))])
  const addresses = JSON.parse(await line()) as { grpc: string; http: string }
  const status = (key: string): number => {
    const text = readFileSync(`/proc/${child.pid}/status`, 'utf8')
    return Number(new RegExp(`${key}:\\s+(\\d+)`).exec(text)?.[1]) * 1024
  }
  return {
    ...addresses,
    peakBytes: () => status('VmHWM'),
    residentBytes: () => status('VmRSS'),
    state: () => {
      child.stdin.write('?\n')
      return line().then((text) => JSON.parse(text) as State)
    },
    resetPeak() {
      try {
        // proc(5): 5 resets the peak resident set size.
        writeFileSync(`/proc/${child.pid}/clear_refs`, '5')
        return true
      } catch {
        return false
      }
    },
    stop: () => void child.kill('SIGKILL'),
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Statuses of that many posts at once, how often each came. A connection that was cut is status 0. */
async function postMany(
  address: string,
  times: number,
  body: Uint8Array,
  headers: http.OutgoingHttpHeaders,
  chunked = false,
): Promise<Map<number, number>> {
  const agent = new http.Agent({ keepAlive: false })
  const statuses = await Promise.all(
    Array.from({ length: times }, () => {
      return new Promise<number>((resolve) => {
        const request = http.request(`http://${address}/v1/traces`, {
          agent,
          method: 'POST',
          headers: {
            'content-type': 'application/x-protobuf',
            ...(chunked ? {} : { 'content-length': body.length }),
            ...headers,
          },
        })
        request.on('response', (response) => {
          response.resume()
          resolve(response.statusCode ?? 0)
        })
        request.on('error', () => resolve(0))
        request.end(body)
      })
    }),
  )
  return tally(statuses)
}

function tally<T>(values: readonly T[]): Map<T, number> {
  const times = new Map<T, number>()
  for (const value of values) times.set(value, (times.get(value) ?? 0) + 1)
  return times
}

function connect(address: string): net.Socket {
  const { hostname, port } = new URL(`http://${address}`)
  const socket = net.connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.resume()
  return socket
}

/** Many connections, opened a hundred at a time. */
async function connectMany(address: string, times: number): Promise<net.Socket[]> {
  const sockets: net.Socket[] = []
  for (let i = 0; i < times; i++) {
    sockets.push(connect(address))
    if (i % 100 === 99) await new Promise((resolve) => sockets.at(-1)!.once('connect', resolve))
  }
  return sockets
}

/** What every attack must leave behind: the peak within the limit, nothing held, and a collector that takes requests. */
async function expectHeld(subject: Subject, startBytes: number): Promise<void> {
  const peak = subject.peakBytes()
  for (let i = 0; i < 100; i++) {
    const { used, connections } = await subject.state()
    if (used === 0 && connections === 0) break
    await sleep(100)
  }
  const state = await subject.state()
  if (LONG) {
    // Garbage is collected when all has been quiet for a while.
    await sleep(3000)
    const after = subject.residentBytes()
    console.log(
      `${expect.getState().currentTestName}: start ${mb(startBytes)}, peak ${mb(peak)}, after ${mb(after)}`,
      JSON.stringify(state),
    )
  }
  expect(peak).toBeLessThan(LIMIT_BYTES)
  expect(state).toMatchObject({ used: 0, connections: 0 })
  const answer = await postMany(subject.http, 1, tracesRequest({ spans: 5 }), {})
  expect([...answer.keys()]).toEqual([200])
}

const mb = (bytes: number): string => `${Math.round(bytes / MB)} MB`

function openCall(session: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders = {}): http2.ClientHttp2Stream {
  const stream = session.request({
    ':method': 'POST',
    ':path': GRPC_PATHS.traces,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
  stream.on('error', () => {})
  stream.resume()
  return stream
}

/** Zeros that are `bytes` long when compressed, and far over the limit when they are not. */
function bombOf(coding: 'gzip' | 'deflate' | 'zstd', bytes: number): Buffer {
  if (coding === 'gzip') return zlib.gzipSync(Buffer.alloc(bytes * 1000))
  if (coding === 'deflate') return zlib.deflateSync(Buffer.alloc(bytes * 1000))
  // zstd packs zeros into next to nothing: blocks of them, as a stream that does not tell its length.
  const frame = zlib.zstdCompressSync(Buffer.alloc(128 * 1024 * 64), {
    params: { [zlib.constants.ZSTD_c_contentSizeFlag]: 0 },
  })
  return Buffer.concat(Array.from({ length: Math.ceil(bytes / frame.length) }, () => frame))
}

describe.runIf(process.platform === 'linux')(
  'memory, measured from outside, stays within 500 MB',
  { timeout: 120_000 },
  () => {
    test.each(['gzip', 'deflate', 'zstd'] as const)('%s bombs over HTTP', async (coding) => {
      const subject = await start()
      const before = subject.residentBytes()
      const bomb = bombOf(coding, 300_000)
      // Of a length that was told and of none, where it need not be both of each.
      for (const chunked of coding === 'gzip' || LONG ? [false, true] : [true]) {
        const statuses = await postMany(subject.http, BOMBS, bomb, { 'content-encoding': coding }, chunked)
        expect([...statuses.keys()].filter((status) => status !== 413 && status !== 503)).toEqual([])
        expect(statuses.get(413)).toBeGreaterThan(BOMBS / 3)
      }
      await expectHeld(subject, before)
    })

    test('small gzip bombs over HTTP', async () => {
      const subject = await start()
      const before = subject.residentBytes()
      const statuses = await postMany(subject.http, BOMBS, bombOf('gzip', 100_000), { 'content-encoding': 'gzip' })
      expect(statuses).toEqual(new Map([[413, BOMBS]]))
      await expectHeld(subject, before)
    })

    test('gzip bombs over gRPC', async () => {
      const subject = await start()
      const before = subject.residentBytes()
      const bomb = bombOf('gzip', 300_000)
      const session = http2.connect(`http://${subject.grpc}`, { maxSessionMemory: 1000 })
      onTestFinished(() => session.destroy())
      // With the server's settings comes how many calls there may be at a time.
      await new Promise((resolve) => session.once('remoteSettings', resolve))
      const statuses = await Promise.all(
        Array.from({ length: BOMBS }, () => {
          const stream = openCall(session, { 'grpc-encoding': 'gzip' })
          stream.end(Buffer.concat([messagePrefix(true, bomb.length), bomb]))
          return new Promise<unknown>((resolve) => {
            stream.once('response', (headers) => resolve(headers['grpc-status']))
            stream.once('close', () => resolve('closed'))
          })
        }),
      )
      const times = tally(statuses)
      expect([...times.keys()].filter((status) => status !== '8' && status !== '14')).toEqual([])
      expect(times.get('8')).toBeGreaterThan(BOMBS / 3)
      session.close()
      await expectHeld(subject, before)
    })

    test('connections that say nothing', async () => {
      const subject = await start()
      const before = subject.residentBytes()
      const sockets = [...(await connectMany(subject.grpc, IDLE / 2)), ...(await connectMany(subject.http, IDLE / 2))]
      await expect.poll(async () => (await subject.state()).connections, { timeout: 10_000 }).toBe(IDLE)
      for (const socket of sockets) socket.destroy()
      await expectHeld(subject, before)
    })

    test('HTTP/2 connections that say nothing more than that', async () => {
      const subject = await start()
      const before = subject.residentBytes()
      const sockets = await connectMany(subject.grpc, IDLE / 2)
      const preface = Buffer.concat([
        Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
        Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
      ])
      for (const socket of sockets) socket.write(preface)
      await sleep(1000)
      for (const socket of sockets) socket.destroy()
      await expectHeld(subject, before)
    })

    test('1,000 bodies that announce 20 MB and trickle', async () => {
      const subject = await start()
      const before = subject.residentBytes()
      const sockets = await connectMany(subject.http, 1000)
      const head =
        'POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\nContent-Length: 20000000\r\n\r\n'
      for (const socket of sockets) socket.write(head)
      for (let i = 0; i < 20; i++) {
        for (const socket of sockets) socket.write(Buffer.alloc(i === 10 ? 100_000 : 100))
        await sleep(50)
      }
      // The others are not kept out by them for long.
      await expect
        .poll(async () => [...(await postMany(subject.http, 1, tracesRequest(), {})).keys()], {
          timeout: 20_000,
          interval: 500,
        })
        .toEqual([200])
      for (const socket of sockets) socket.destroy()
      await expectHeld(subject, before)
    })

    test('100 bodies of unknown length in small pieces', async () => {
      const subject = await start()
      const before = subject.residentBytes()
      const sockets = await connectMany(subject.http, 100)
      const head =
        'POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\nTransfer-Encoding: chunked\r\n\r\n'
      const pieces = Buffer.from('1\r\nx\r\n'.repeat(2000))
      for (const socket of sockets) socket.write(head)
      for (let i = 0; i < 5; i++) {
        for (const socket of sockets) socket.write(pieces)
        await sleep(50)
      }
      for (const socket of sockets) socket.destroy()
      await expectHeld(subject, before)
    })

    test('500 calls with half a message each, on 25 connections', async () => {
      const subject = await start({ fresh: true })
      const before = subject.residentBytes()
      const sessions = Array.from({ length: 25 }, () => http2.connect(`http://${subject.grpc}`))
      for (const session of sessions) {
        session.on('error', () => {})
        for (let i = 0; i < 20; i++) {
          const stream = openCall(session)
          stream.write(Buffer.concat([messagePrefix(false, 4_000_000), Buffer.alloc(2_000_000)]))
        }
      }
      await sleep(3000)
      for (const session of sessions) session.destroy()
      await expectHeld(subject, before)
    })

    test('bodies of 20 MB faster than they are stored', async () => {
      const subject = await start({ fresh: true })
      const before = subject.residentBytes()
      const body = tracesRequest({ spans: 40_000, services: 4 }).subarray(0)
      const counts: Map<number, number>[] = []
      for (let i = 0; i < (LONG ? 3 : 2); i++) counts.push(await postMany(subject.http, 30, body, {}))
      const statuses = new Set(counts.flatMap((count) => [...count.keys()]))
      expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([])
      expect(statuses).toContain(200)
      await expectHeld(subject, before)
    })
  },
)
