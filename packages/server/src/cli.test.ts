import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { countSpans } from '@spoor/otlp'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ageOf } from './cli-values.ts'
import { runCli } from './cli.ts'
import { requestOf, spanIdOf, traceIdOf } from './testkit.ts'

let directory: string
const children: ChildProcess[] = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spoor-cli-'))
})
afterEach(async () => {
  for (const child of children.splice(0))
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  await rm(directory, { recursive: true, force: true })
})

interface Program {
  readonly child: ChildProcess
  output(): string
  /** Resolves with the first match in the output; rejects when the program ends before there is one. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  ended(): Promise<number | null>
}

/** The program itself, from its sources, in a process of its own. */
function run(...args: string[]): Program {
  return runWith({}, ...args)
}

function runWith(env: NodeJS.ProcessEnv, ...args: string[]): Program {
  const main = join(import.meta.dirname, 'main.ts')
  const child = spawn(process.execPath, ['--conditions=@spoor/source', main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  children.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()))
  const closed = once(child, 'close')
  return {
    child,
    output: () => output,
    async says(pattern) {
      for (;;) {
        const match = pattern.exec(output)
        if (match) return match
        const more = [child.stdout, child.stderr].map((stream) => once(stream, 'data').then(() => false))
        const isClosed = await Promise.race([closed.then(() => true), ...more])
        if (isClosed) throw new Error(`it ended without saying ${pattern}:\n${output}`)
      }
    },
    async ended() {
      await closed
      return child.exitCode
    },
  }
}

async function start(): Promise<Program & { page: string; http: string }> {
  const program = run('--data', directory, '--page-port', '0', '--otlp-grpc-port', '0', '--otlp-http-port', '0')
  await program.says(/Ctrl-C/)
  const [, page] = await program.says(/Page\s+(http:\S+)/)
  const [, http] = await program.says(/OTLP HTTP\s+(http:\S+)/)
  return { ...program, page: page!, http: http! }
}

describe('spoor', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('stops in order at %s', async (signal) => {
    const spoor = await start()
    expect(spoor.output()).toMatch(
      /OTLP gRPC\s+127\.0\.0\.1:\d+\n.*OTLP HTTP\s+http:\/\/127\.0\.0\.1:\d+\n.*Data\s+\S+  \(0 spans, .*B\)/,
    )
    expect((await fetch(`${spoor.page}/api/services`)).status).toBe(200)
    spoor.child.kill(signal)
    expect(await spoor.ended()).toBe(0)
  })

  it('finds every acknowledged span after kill -9 under load', async () => {
    const spansEach = 100
    const first = await start()
    const acknowledged: string[] = []
    let next = 1
    async function send(): Promise<void> {
      for (;;) {
        const traceId = traceIdOf(next++)
        const spans = Array.from({ length: spansEach }, (_, index) => ({ traceId, spanId: spanIdOf(index + 1) }))
        const body = requestOf('load', spans) as Uint8Array<ArrayBuffer>
        const headers = { 'content-type': 'application/x-protobuf' }
        const response = await fetch(`${first.http}/v1/traces`, { method: 'POST', headers, body })
        if (response.status !== 200) throw new Error(`${response.status}`)
        acknowledged.push(traceId)
        if (acknowledged.length === 150) first.child.kill('SIGKILL')
      }
    }
    await Promise.allSettled(Array.from({ length: 8 }, send))
    await first.ended()
    expect(first.child.signalCode).toBe('SIGKILL')
    expect(acknowledged.length).toBeGreaterThanOrEqual(150)

    const second = await start()
    for (const traceId of acknowledged) {
      const response = await fetch(`${second.page}/api/spoor/v1/traces/${traceId}`)
      expect([traceId, response.status]).toEqual([traceId, 200])
      expect(countSpans(new Uint8Array(await response.arrayBuffer()))).toBe(spansEach)
    }
    second.child.kill('SIGINT')
    expect(await second.ended()).toBe(0)
  })

  it('does not share its data directory with another', async () => {
    await start()
    const second = run('--data', directory, '--page-port', '0', '--otlp-grpc-port', '0', '--otlp-http-port', '0')
    expect(await second.ended()).toBe(1)
    expect(second.output()).toContain(directory)
  })
})

it('is an ingest by its environment, which takes and stores while it says that it is about to stop; a query shows it', async () => {
  const env = { SPOOR_DATA: directory, SPOOR_STATUS_PORT: '0', SPOOR_OTLP_GRPC_PORT: '0', SPOOR_OTLP_HTTP_PORT: '0' }
  const ingest = runWith({ ...env, SPOOR_SHUTDOWN_DELAY: '10m' }, 'ingest')
  const [, status] = await ingest.says(/Status\s+(http:\S+)/)
  const [, http] = await ingest.says(/OTLP HTTP\s+(http:\S+)/)
  expect((await fetch(`${status}/ready`)).status).toBe(200)
  ingest.child.kill('SIGTERM')
  await ingest.says(/Stopping/)
  expect((await fetch(`${status}/ready`)).status).toBe(503)
  const body = requestOf('late', [{ traceId: traceIdOf(3), spanId: spanIdOf(1) }]) as Uint8Array<ArrayBuffer>
  const headers = { 'content-type': 'application/x-protobuf' }
  expect((await fetch(`${http}/v1/traces`, { method: 'POST', headers, body })).status).toBe(200)
  ingest.child.kill('SIGKILL')
  await ingest.ended()

  const query = runWith({ SPOOR_DATA: directory, SPOOR_PAGE_PORT: '0' }, 'query')
  const [, page] = await query.says(/Page\s+(http:\S+)/)
  await query.says(/is shown as it was when it was opened/)
  expect((await fetch(`${page}/api/spoor/v1/traces/${traceIdOf(3)}`)).status).toBe(200)
  query.child.kill('SIGTERM')
  expect(await query.ended()).toBe(0)
})

/** The command line in this process; what it prints, and its exit code. */
async function print(...args: string[]): Promise<{ code: number; output: string }> {
  const out = new PassThrough()
  const code = await runCli(['node', 'spoor', ...args], { stdout: out, stderr: out })
  return { code, output: String(out.read() ?? '') }
}

describe('a data directory that is none', () => {
  it.each([
    ['/proc/spoor', 'does not let files be made there'],
    [import.meta.filename, 'it is not a directory'],
    [join(import.meta.filename, 'below'), 'a part of the path is a file'],
  ])('is refused at once: %s', async (path, reason) => {
    const program = run('--data', path, '--page-port', '0', '--otlp-grpc-port', '0', '--otlp-http-port', '0')
    expect(await program.ended()).toBe(1)
    expect(program.output()).toContain(`the data directory ${path} cannot be used`)
    expect(program.output()).toContain(reason)
  })
})

it('honours SIGTERM at every moment of its start', async () => {
  for (const afterMs of [100, 300, 400, 500, 600, 700, 800, 1000]) {
    const program = run('--data', directory, '--page-port', '0', '--otlp-grpc-port', '0', '--otlp-http-port', '0')
    await delay(afterMs)
    const before = performance.now()
    program.child.kill('SIGTERM')
    const code = await program.ended()
    expect(performance.now() - before).toBeLessThan(8_000)
    // Before its first lines ran the signal ends it as it ends any process.
    expect([code, program.child.signalCode]).toEqual(code === 0 ? [0, null] : [null, 'SIGTERM'])
  }
}, 60_000)

it('tells over its own port how it is, and counts', async () => {
  const spoor = await start()
  expect((await fetch(`${spoor.page}/health`)).status).toBe(200)
  expect((await fetch(`${spoor.page}/ready`)).status).toBe(200)
  const metrics = await (await fetch(`${spoor.page}/metrics`)).text()
  expect(metrics).toContain('\nspoor_ready 1\n')
  expect(metrics).toMatch(/# TYPE spoor_store_failing counter\nspoor_store_failing\{part="writer"\} 0/)
})

describe('the command line', () => {
  it.each([
    [['--page-prot', '1'], 'unknown option --page-prot; did you mean "--page-port"?'],
    [['--page-port', '70000'], '--page-port: "70000" is not a port: 0 to 65535'],
    [['--page-port'], /--page-port/],
    [['--max-disk', '5 apples'], '--max-disk: "5 apples" is not a size'],
    [['--max-age', '14'], '--max-age: "14" is not a time'],
    [['--max-age', '0d'], '--max-age: "0d" is not a time'],
    [['--max-age', '3 weeks'], '--max-age: "3 weeks" is not a time'],
    [['--keep', 'error'], '--keep: "error" is not one of errors, slow, pinned'],
    [['--keep-share', '10%'], '--keep-share has no effect without --keep: add --keep errors,slow,pinned'],
    [['--keep', 'slow', '--keep-share', '0.2'], '--keep-share: "0.2" is not a share, as 20%; at most 50%'],
    [['--keep', 'slow', '--keep-share', '51%'], '--keep-share: "51%" is not a share, as 20%; at most 50%'],
    [
      ['--keep', 'slow', '--keep-slower-than', 'p100'],
      '--keep-slower-than: "p100" is not a percentile, as p99 or p99.9',
    ],
    [['--keep', 'pinned', '--keep-slower-than', 'p90'], '--keep-slower-than has no effect without slow'],
    [['--keep', 'slow', '--max-age', '7d', '--keep-age', '3d'], '--keep-age must be longer than --max-age'],
    [['--log-level', 'loud'], '--log-level: "loud" is not one of debug, info, warn, error, silent'],
    [['serve'], '"serve" is no command'],
    [['verify'], 'missing required args'],
    [['delete'], 'what is to be deleted? Name trace ids, or --attribute KEY=VALUE'],
    [['delete', 'xyz'], '"xyz" is not a trace id: 32 hex digits'],
    [['delete', traceIdOf(1), '--attribute', 'a=b'], 'name trace ids, or --attribute with --from and --to, not both'],
    [['delete', '--attribute', '=b'], '"=b" is not KEY=VALUE or KEY'],
    [['delete', '--attribute', 'a', '--from', 'yesterday'], '--from: "yesterday" is not a time'],
    [['validate'], 'spoor validate needs a configuration: add --config FILE'],
    [['collector', '--config', '/nowhere.yaml'], '--config /nowhere.yaml: ENOENT'],
    [['validate', '--config', 'http://a/b'], '--config http://a/b: scheme "http" is not supported; use env:NAME'],
    [['validate', '--config', 'env:NO_SUCH'], '--config env:NO_SUCH: environment variable NO_SUCH is not set'],
    [['validate', '--config', 'yaml:', '--set', 'a.b'], '--set a.b: missing equal sign; write --set processors'],
    [['--set', 'a=1'], '--set goes over a configuration: add --config FILE'],
    [['migrate', '--from', 'd'], 'spoor migrate needs both: --from DIR and --to clickhouse://'],
    [['migrate', '--from', 'd', '--to', 'e'], '--to: "e" is no address of a store'],
    [['migrate', '--from', 'd', '--to', 'clickhouse://h:9000'], '--to: port 9000 is that of ClickHouse'],
    [['migrate', '--from', 'clickhouse://h', '--to', 'd'], '--from: a ClickHouse cannot be brought to a directory'],
    [['migrate', '--from', 'd', '--to', 'clickhouse://h', '--rate', 'fast'], '--rate: "fast" is not a number of spans'],
    [['--data', 'a', '--data', 'b'], '--data is given 2 times; give it once'],
  ])('refuses %j', async (args, message) => {
    const { code, output } = await print(...args)
    expect(output).toMatch(message)
    expect(code).toBe(2)
  })

  it('prints its version and help', async () => {
    const version = run('--version')
    expect(await version.ended()).toBe(0)
    expect(version.output()).toMatch(/^spoor\/\d+\.\d+\.\d+/)
    const help = run('--help')
    expect(await help.ended()).toBe(0)
    expect(help.output()).toContain('--otlp-grpc-port')
  })
})

describe('spoor with a configuration', () => {
  const collector = (endpoint: string) => `receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:0
exporters:
  otlp_http:
    endpoint: ${endpoint}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [otlp_http]
`

  it('validates it, and says where it is wrong', async () => {
    const file = join(directory, 'otel.yaml')
    await writeFile(file, collector('http://127.0.0.1:4318'))
    expect(await print('validate', '--config', file)).toEqual({ code: 0, output: `${file} is valid\n` })
    await writeFile(file, collector('http://127.0.0.1:4318').replace('exporters: [otlp_http]', 'exporters: [other]'))
    const { code, output } = await print('validate', '--config', file)
    expect(code).toBe(1)
    expect(output).toContain(`${file}:14:19`)
  })

  it('merges several, sets single keys over them, and prints what comes of it without its secrets', async () => {
    const file = join(directory, 'base.yaml')
    await writeFile(file, collector('http://127.0.0.1:4318'))
    const args = ['--config', file, '--config', 'yaml:exporters::otlp_http::headers: {authorization: secret-token}']
    const set = ['--set', 'exporters.otlp_http.timeout=7s', '--set', 'exporters.otlp_http.compression=none']
    expect((await print('validate', ...args, ...set)).code).toBe(0)
    const { output } = await print('print-config', ...args, ...set)
    expect(output).toMatch(/headers:\n +authorization: "\[REDACTED\]"\n +timeout: 7s\n +compression: none\n/)
    expect((await print('print-config', ...args, '--mode', 'unredacted')).output).toContain('secret-token')
    const json = await print('print-config', ...args, '--format', 'json')
    expect(JSON.parse(json.output)).toMatchObject({ service: { pipelines: { traces: { receivers: ['otlp'] } } } })
    const wrong = await print('validate', ...args, '--set', 'exporters.otlp_http.timeuot=7s')
    expect(wrong.output).toContain(
      '--set exporters.otlp_http.timeuot=7s: exporters.otlp_http.timeuot: unknown key; did',
    )
    expect(wrong.code).toBe(1)
  })

  it('lists the components that there are', async () => {
    const { output } = await print('components')
    expect(output).toContain('exporters:\n  - name: otlp_grpc\n    aliases:\n      - otlp\n')
    expect(output).toContain('  - name: spoor_storage\n    signals:\n      - traces\n')
    const schema = JSON.parse((await print('print-schema')).output) as { properties: Record<string, object> }
    expect(Object.keys(schema.properties)).toEqual([
      'receivers',
      'processors',
      'exporters',
      'connectors',
      'extensions',
      'service',
    ])
  })

  it.each([
    ['[', 200_000, /:1:64 nested too deeply/],
    ['a: bcd\n', 2_000_000, /:149797:5 too large: a configuration has at most 1048576 bytes/],
  ])('refuses one that was made to hurt: %j, %d times', async (piece, count, expected) => {
    const file = join(directory, 'bomb.yaml')
    await writeFile(file, piece.repeat(count))
    for (const command of [['validate'], ['collector'], ['--data', join(directory, 'data')]]) {
      const { code, output } = await print(...command, '--config', file)
      expect(code).toBe(1)
      expect(output).toContain(file)
      expect(output).toMatch(expected)
    }
  })

  it('has what otelcol has behind its name behind `collector`, too', async () => {
    const file = join(directory, 'otel.yaml')
    await writeFile(file, collector('http://127.0.0.1:4318'))
    expect(await print('collector', 'validate', '--config', file)).toEqual({ code: 0, output: `${file} is valid\n` })
    expect((await print('collector', 'print-config', '--config', file)).output).toContain('otlp_http:')
    expect((await print('collector', 'components')).output).toContain('name: otlp_json_file')
    const schema = JSON.parse((await print('collector', 'print-schema')).output) as {
      properties: Record<string, { patternProperties?: object; properties?: Record<string, { properties?: object }> }>
    }
    const exporters = Object.keys(schema.properties['exporters']?.patternProperties ?? {}).join(' ')
    for (const type of ['file', 'debug', 'spoor_storage']) expect(exporters).toContain(type)
    expect(Object.keys(schema.properties['service']?.properties?.['telemetry']?.properties ?? {})).toEqual([
      'logs',
      'metrics',
      'traces',
      'resource',
    ])
  })

  it('names a port of it that is taken, and who has it', async () => {
    const blocker = createServer().listen(0, '127.0.0.1')
    await once(blocker, 'listening')
    const { port } = blocker.address() as AddressInfo
    const file = join(directory, 'otel.yaml')
    await writeFile(file, collector('http://127.0.0.1:4318').replace('127.0.0.1:0', `127.0.0.1:${port}`))
    const { code, output } = await print('collector', '--config', file, '--log-level', 'silent')
    expect(code).toBe(1)
    expect(output).toMatch(new RegExp(`port ${port} is taken.*: stop that program, or set another endpoint`))
    blocker.close()
  })

  it('runs a collector alone, which forwards what it has taken before it stops', async () => {
    const spoor = await start()
    const file = join(directory, 'otel.yaml')
    await writeFile(file, collector(spoor.http))
    const alone = run('collector', '--config', file)
    const [, address] = await alone.says(/otlp http\s+(\S+)/)
    const body = requestOf('forwarded', [{ traceId: traceIdOf(7), spanId: spanIdOf(1) }]) as Uint8Array<ArrayBuffer>
    const response = await fetch(`http://${address}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body,
    })
    expect(response.status).toBe(200)
    alone.child.kill('SIGTERM')
    expect(await alone.ended()).toBe(0)
    expect((await fetch(`${spoor.page}/api/traces/${traceIdOf(7)}`)).status).toBe(200)
  })

  /** What becomes of one request. */
  async function post(address: string): Promise<number> {
    const body = requestOf('reloaded', [{ traceId: traceIdOf(9), spanId: spanIdOf(1) }]) as Uint8Array<ArrayBuffer>
    const headers = { 'content-type': 'application/x-protobuf' }
    return (await fetch(`http://${address}/v1/traces`, { method: 'POST', headers, body })).status
  }

  it.skipIf(process.platform === 'win32')(
    'reloads by SIGHUP; a file that is wrong changes nothing and is told',
    async () => {
      const spoor = await start()
      const file = join(directory, 'otel.yaml')
      await writeFile(file, collector('http://127.0.0.1:1'))
      const alone = run('collector', '--config', file)
      const [, address] = await alone.says(/otlp http\s+(\S+)/)
      await writeFile(file, collector(spoor.http).replace('otlp_http:\n', 'otlp_hppt:\n'))
      alone.child.kill('SIGHUP')
      await alone.says(
        new RegExp(`was not reloaded, the one before goes on:\n${file}:7:3 .*unknown exporter type "otlp_hppt"`),
      )
      expect(await post(address!)).toBe(200)
      await writeFile(file, collector(spoor.http))
      alone.child.kill('SIGHUP')
      await alone.says(/the configuration was reloaded/)
      expect(await post(address!)).toBe(200)
      alone.child.kill('SIGTERM')
      expect(await alone.ended()).toBe(0)
      expect((await fetch(`${spoor.page}/api/traces/${traceIdOf(9)}`)).status).toBe(200)
    },
  )

  it('reloads when a file of it changes, with its store', async () => {
    const file = join(directory, 'otel.yaml')
    const part = join(directory, 'part.yaml')
    const text = (body: string) =>
      collector('')
        .replace(/otlp_http:\n.*\n/, 'spoor_storage:\n')
        .replace('[otlp_http]', body)
    await writeFile(part, '[spoor_storage]')
    await writeFile(file, text(`\${file:${part}}`))
    const spoor = run('--config', file, '--watch', '--data', join(directory, 'data'), '--page-port', '0')
    const [, address] = await spoor.says(/OTLP HTTP\s+http:..(\S+)/)
    expect(await post(address!)).toBe(200)
    await writeFile(part, '[spoor_storag]')
    await spoor.says(/was not reloaded/)
    expect(await post(address!)).toBe(200)
    await writeFile(part, '[spoor_storage]  # right again')
    await spoor.says(/the configuration was reloaded/)
    expect(await post(address!)).toBe(200)
  })

  it('gives up what is left at the second signal', async () => {
    // A peer that takes connections and never answers holds up an orderly stop.
    const peer = createServer(() => {}).listen(0, '127.0.0.1')
    await once(peer, 'listening')
    const file = join(directory, 'otel.yaml')
    await writeFile(file, collector(`http://127.0.0.1:${(peer.address() as AddressInfo).port}`))
    const alone = run('collector', '--config', file)
    const [, address] = await alone.says(/otlp http\s+(\S+)/)
    const asked = once(peer, 'connection')
    const body = requestOf('stuck', [{ traceId: traceIdOf(8), spanId: spanIdOf(1) }]) as Uint8Array<ArrayBuffer>
    const headers = { 'content-type': 'application/x-protobuf' }
    void fetch(`http://${address}/v1/traces`, { method: 'POST', headers, body }).catch(() => {})
    const [connection] = (await asked) as [Socket]
    connection.on('error', () => {})
    alone.child.kill('SIGINT')
    await alone.says(/Stopping/)
    alone.child.kill('SIGINT')
    expect(await alone.ended()).toBe(130)
    peer.close()
  })
})

it.each([
  ['14d', 14 * 86_400_000],
  ['2w', 14 * 86_400_000],
  ['1w3d12h', (10 * 24 + 12) * 3_600_000],
  ['36h', 36 * 3_600_000],
  ['90s', 90_000],
  ['0.5d', 43_200_000],
])('reads --max-age %s', (text, ms) => {
  expect(ageOf('max-age', text)).toBe(ms)
})
