/**
 * h2spec, the conformance tests of HTTP/2, on both ports for OTLP. It is a program in Go: `npm run peers -- h2spec` builds it; without it nothing is tried.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningSpoor, startSpoor } from './spoor.ts'

const { PEERS, XDG_CACHE_HOME } = process.env
const h2spec = join(PEERS ?? join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'spoor', 'peers'), 'h2spec')
/** How long h2spec waits for what an endpoint should do, seconds; a busy machine takes its time. */
const WAIT_S = 5
const CASES = 145

/**
 * Nine that node:http2, and nghttp2 below it, do otherwise, on a bare server of Node, too; and that of a connection which does not begin as HTTP/2: it is taken for HTTP/1, which is served at the
 * same port, and answered so.
 */
const KNOWN: readonly string[] = [
  'http2/3.5 Sends invalid connection preface',
  'http2/5.1 closed: Sends a DATA frame',
  'http2/5.1 closed: Sends a DATA frame after sending RST_STREAM frame',
  'http2/5.1 closed: Sends a HEADERS frame',
  'http2/5.1 closed: Sends a HEADERS frame after sending RST_STREAM frame',
  'http2/5.1.1 Sends stream identifier that is numerically smaller than previous',
  'http2/5.3.1 Sends PRIORITY frame that depend on itself',
  'http2/6.3 Sends a PRIORITY frame with 0x0 stream identifier',
  'http2/6.7 Sends a PING frame with ACK',
  'http2/6.9.1 Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream',
]

interface Report {
  readonly cases: number
  readonly failed: readonly string[]
}

describe.skipIf(!existsSync(h2spec))('h2spec passes all but what Node itself does otherwise', () => {
  let spoor: RunningSpoor
  const folder = mkdtempSync(join(tmpdir(), 'spoor-h2spec-'))
  beforeAll(async () => {
    spoor = await startSpoor()
  })
  afterAll(async () => {
    await spoor.remove()
    rmSync(folder, { recursive: true })
  })

  it.each([
    ['grpc', '/opentelemetry.proto.collector.trace.v1.TraceService/Export'],
    ['http', '/v1/traces'],
  ] as const)('on the port for %s', async (protocol, path) => {
    const { cases, failed } = await run(spoor[protocol], path, join(folder, `${protocol}.xml`))
    expect(cases).toBe(CASES)
    expect(failed).toEqual(KNOWN)
  })
})

/** It ends with 1 where a case fails; its report is read either way. */
async function run(address: string, path: string, file: string): Promise<Report> {
  const port = address.split(':').at(-1)!
  const args = ['-h', '127.0.0.1', '-p', port, '-P', path, '-o', String(WAIT_S), '-j', file]
  const output = await new Promise<string>((resolve) =>
    execFile(h2spec, args, { maxBuffer: 1 << 24 }, (_, stdout, stderr) => resolve(stdout + stderr)),
  )
  if (!existsSync(file)) throw new Error(`h2spec wrote no report; it said: ${output.slice(-2_000)}`)
  const cases = [...readFileSync(file, 'utf8').matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)]
  const nameOf = (attributes: string): string =>
    ['package', 'classname'].map((name) => new RegExp(`${name}="([^"]*)"`).exec(attributes)?.[1] ?? '').join(' ')
  const failed = cases.filter(([, , inner = '']) => /<(?:failure|error)\b/.test(inner))
  return { cases: cases.length, failed: failed.map(([, attributes = '']) => nameOf(attributes)).sort() }
}
