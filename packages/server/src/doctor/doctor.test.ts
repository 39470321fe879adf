/** Set-ups that people get wrong: each is made, named by its code with a line, the line is applied as it stands, and it works. */
import http from 'node:http'
import https from 'node:https'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { freePort, TEST_CERTIFICATE, TEST_KEY } from '@spoor/collector/testkit'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { SearchResponse, SendersResponse, ServicesResponse } from '../api.ts'
import { runCli } from '../cli.ts'
import { startTestSpoor, type TestSpoor } from '../testkit.ts'
import { doctor, type DoctorCommand, type DoctorReport } from './doctor.ts'
import type { Environment } from './environment.ts'

let spoor: TestSpoor
let empty: string
beforeAll(async () => {
  spoor = await startTestSpoor()
  empty = mkdtempSync(join(tmpdir(), 'spoor-doctor-'))
})
afterAll(async () => {
  rmSync(empty, { recursive: true })
  await spoor.remove()
})

const httpUrl = () => spoor.urls.otlpHttp!
const grpcUrl = () => `http://${spoor.urls.otlpGrpc!}`
const NAMED = { OTEL_SERVICE_NAME: 'shop' }

async function examine(environment: Environment, more: Partial<DoctorCommand> = {}): Promise<DoctorReport> {
  return doctor(
    {
      directory: empty,
      environment: { ...NAMED, ...environment },
      page: spoor.urls.page,
      collector: 'http://127.0.0.1:1',
      command: [],
      watchMs: 1_000,
      patienceMs: 500,
      ...more,
    },
    new AbortController().signal,
  )
}

/** The environment with a line in it. */
function applied(environment: Environment, line: string): Environment {
  const equals = line.indexOf('=')
  return { ...environment, [line.slice(0, equals)]: line.slice(equals + 1) }
}

const codesOf = ({ diagnoses }: DoctorReport): string[] => diagnoses.map(({ code }) => code)

/** A server of this machine, which ends with the test. */
async function serve(listener: http.RequestListener, tls = false): Promise<string> {
  const server = tls
    ? https.createServer({ cert: TEST_CERTIFICATE, key: TEST_KEY }, listener)
    : http.createServer(listener)
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('a set-up that is right', () => {
  it.each<[string, () => Environment]>([
    ['HTTP', () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl() })],
    [
      'JSON and gzip',
      () => ({
        OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(),
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      }),
    ],
    [
      'gRPC',
      () => ({
        OTEL_EXPORTER_OTLP_ENDPOINT: grpcUrl(),
        OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
        OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      }),
    ],
  ])('goes all the way: %s', async (_, environment) => {
    const report = await examine(environment())
    expect(report.diagnoses).toEqual([])
    expect(report.ok).toBe(true)
    expect(report.hops.map(({ name, ok }) => [name, ok])).toEqual([
      ['store', true],
      ['query', true],
    ])
    expect(Math.abs(report.clockMs ?? 0)).toBeLessThan(5_000)
    expect(report.spoor?.version).toBeDefined()
  })

  it('the probe is in no search, no list and no attention', async () => {
    const report = await examine({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl() })
    expect(report.ok).toBe(true)
    const { traces } = await spoor.json<SearchResponse>('/api/spoor/v1/search?from=1h')
    expect(traces.filter(({ rootService }) => rootService === 'spoor-doctor')).toEqual([])
    expect((await spoor.json<SearchResponse>('/api/spoor/v1/search?q=name:probe')).traces).toEqual([])
    expect((await spoor.json<ServicesResponse>('/api/spoor/v1/services')).services).not.toContain('spoor-doctor')
    expect(await spoor.json('/api/services')).toMatchObject({ data: [] })
    expect((await spoor.json<SendersResponse>('/api/spoor/v1/senders')).attention).toEqual([])
  })
})

describe('the environment and the way', () => {
  it.each<[code: string, name: string, env: () => Environment | Promise<Environment>]>([
    ['doubled_path', 'the path in the base address', () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: `${httpUrl()}/v1/traces` })],
    ['missing_path', 'no path in that of traces', () => ({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: httpUrl() })],
    ['wrong_path', 'a path that is none', () => ({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${httpUrl()}/v1/trace` })],
    ['no_scheme', 'HTTP without scheme', () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl().slice(7) })],
    [
      'no_scheme',
      'gRPC without scheme',
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: spoor.urls.otlpGrpc!, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }),
    ],
    [
      'tls_to_plain_port',
      'https to HTTP',
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl().replace('http:', 'https:') }),
    ],
    [
      'tls_to_plain_port',
      'https to gRPC',
      () => ({
        OTEL_EXPORTER_OTLP_ENDPOINT: grpcUrl().replace('http:', 'https:'),
        OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      }),
    ],
    [
      'unknown_protocol',
      'an unknown protocol',
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_EXPORTER_OTLP_PROTOCOL: 'http' }),
    ],
    ['exporter_off', 'exporter none', () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_TRACES_EXPORTER: 'none' })],
    ['sdk_disabled', 'the SDK off', () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_SDK_DISABLED: 'true' })],
    [
      'sampled_out',
      'sampler off',
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_TRACES_SAMPLER: 'always_off' }),
    ],
    [
      'samples_in_the_middle',
      'a ratio in the middle',
      () => ({
        OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(),
        OTEL_TRACES_SAMPLER: 'traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '0.5',
      }),
    ],
    [
      'unknown_sampler',
      'a sampler that is none',
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_TRACES_SAMPLER: 'always-on' }),
    ],
    ['no_tracecontext', 'B3 alone', () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_PROPAGATORS: 'b3' })],
    [
      'unknown_propagator',
      'a propagator that is none',
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_PROPAGATORS: 'w3c' }),
    ],
    [
      'unknown_compression',
      'a compression that is none',
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_EXPORTER_OTLP_COMPRESSION: 'zip' }),
    ],
    ['unknown_service', 'no name', () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_SERVICE_NAME: '' })],
    [
      'bad_headers',
      'headers as in HTTP',
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_EXPORTER_OTLP_HEADERS: 'Authorization: Bearer abc' }),
    ],
    [
      'proxy',
      'a proxy for gRPC',
      () => ({
        OTEL_EXPORTER_OTLP_ENDPOINT: grpcUrl(),
        OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
        http_proxy: 'http://proxy.invalid:3128',
      }),
    ],
    [
      'unknown_host',
      'a name that nobody knows',
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://nowhere.invalid:${new URL(httpUrl()).port}` }),
    ],
  ])('%s: %s', async (code, _, make) => {
    const environment = await make()
    const report = await examine(environment)
    const told = report.diagnoses.find((one) => one.code === code)
    expect(codesOf(report)).toContain(code)
    expect(report.ok).toBe(told!.severity !== 'error')
    expect(told!.lines[0]).toMatchObject({ kind: 'env' })
    const mended = await examine(applied(environment, told!.lines[0]!.text))
    expect(mended.diagnoses).toEqual([])
    expect(mended.hops.at(-1)).toMatchObject({ name: 'query', ok: true })
  })

  it('what is secret is shown nowhere', async () => {
    const report = await examine({
      OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl().replace('//', '//ada:correct-horse@'),
      OTEL_EXPORTER_OTLP_HEADERS: 'Authorization: Bearer battery-staple',
      SPOOR_STATUS_TOKEN: 'tr0ub4dor-and-3',
      OTEL_TRACES_SAMPLER: 'nothing',
    })
    expect(JSON.stringify(report)).not.toMatch(/correct-horse|battery-staple|tr0ub4dor/)
    expect(codesOf(report)).toContain('bad_headers')
  })

  it('nothing_listens', async () => {
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` }
    const report = await examine(environment)
    expect(report.ok).toBe(false)
    expect(report.diagnoses[0]).toMatchObject({
      code: 'nothing_listens',
      what: expect.stringContaining('Nothing listens on 127.0.0.1') as string,
    })
    const mended = await examine(applied(environment, report.diagnoses[0]!.lines[0]!.text))
    expect(mended.diagnoses).toEqual([])
    expect(report.steps.at(-1)).toMatchObject({
      name: 'tcp',
      ok: false,
      detail: expect.stringContaining('ECONNREFUSED') as string,
    })
  })

  it('unknown_ca: the certificate of an authority that nobody knows, and the file that mends it', async () => {
    const address = await serve((request, response) => {
      request.resume()
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    }, true)
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: `https://${address.replace('127.0.0.1', 'localhost')}` }
    const report = await examine(environment)
    expect(codesOf(report)).toContain('unknown_ca')
    const ca = join(empty, 'ca.pem')
    writeFileSync(ca, TEST_CERTIFICATE)
    onTestFinished(() => rmSync(ca))
    const line = report.diagnoses.find(({ code }) => code === 'unknown_ca')!.lines[0]!.text
    const mended = await examine(applied(environment, line.replace('ca.pem', ca)))
    expect(codesOf(mended)).not.toContain('unknown_ca')
    expect(mended.probes[0]).toMatchObject({ ok: true })
  })

  it('no_credentials and bad_credentials: 401, with what is secret masked', async () => {
    const address = await serve((request, response) => {
      request.resume()
      const isKnown = request.headers.authorization === 'Bearer right-and-long-enough'
      response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/x-protobuf' }).end()
    })
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://${address}` }
    const missing = await examine(environment)
    expect(codesOf(missing)).toContain('no_credentials')
    const line = missing.diagnoses.find(({ code }) => code === 'no_credentials')!.lines[0]!.text
    const wrong = await examine(applied(environment, line.replace('TOKEN', 'wrong-and-long-enough')))
    expect(codesOf(wrong)).toContain('bad_credentials')
    expect(JSON.stringify(wrong)).not.toContain('wrong-and-long-enough')
    const right = await examine(applied(environment, line.replace('TOKEN', 'right-and-long-enough')))
    expect(right.probes).toMatchObject([{ ok: true }])
  })

  it('not_otlp: something else answers 200', async () => {
    const address = await serve((request, response) => {
      request.resume()
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Welcome</html>')
    })
    const report = await examine({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://${address}` })
    expect(report.diagnoses[0]).toMatchObject({
      code: 'not_otlp',
      what: expect.stringContaining('text/html') as string,
    })
    expect(report.ok).toBe(false)
  })

  it('gzip_refused: 415 to what is compressed', async () => {
    const address = await serve((request, response) => {
      request.resume()
      response
        .writeHead(request.headers['content-encoding'] ? 415 : 200, { 'content-type': 'application/x-protobuf' })
        .end()
    })
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://${address}`, OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }
    const report = await examine(environment)
    const told = report.diagnoses.find(({ code }) => code === 'gzip_refused')!
    const mended = await examine(applied(environment, told.lines[0]!.text))
    expect(mended.probes).toMatchObject([{ ok: true }])
  })

  it('other_protocol: a receiver that speaks HTTP alone', async () => {
    const address = await serve((request, response) => {
      request.resume()
      response.writeHead(request.url === '/v1/traces' ? 200 : 404, { 'content-type': 'application/x-protobuf' }).end()
    })
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://${address}`, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }
    const report = await examine(environment)
    const told = report.diagnoses.find(({ code }) => code === 'other_protocol')!
    expect(told.lines[0]!.text).toBe('OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf')
    const mended = await examine(applied(environment, told.lines[0]!.text))
    expect(mended.probes).toMatchObject([{ ok: true }])
  })

  it('other_receiver: it is taken, and not by the Spoor that is asked', async () => {
    const other = await startTestSpoor()
    onTestFinished(() => other.remove())
    const report = await examine({ OTEL_EXPORTER_OTLP_ENDPOINT: other.urls.otlpHttp! })
    expect(codesOf(report)).toEqual(['other_receiver'])
    expect(report.hops.at(-1)).toMatchObject({ name: 'store', ok: false })
    expect((await examine({ OTEL_EXPORTER_OTLP_ENDPOINT: other.urls.otlpHttp! }, { page: other.urls.page })).ok).toBe(
      true,
    )
  })

  it('no_page: there is no Spoor to ask', async () => {
    const report = await examine({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl() }, { page: 'http://127.0.0.1:1' })
    expect(codesOf(report)).toContain('no_page')
  })

  it('sampled: a collector that samples has taken it', async () => {
    const config = `receivers: { otlp: { protocols: { http: { endpoint: '127.0.0.1:0' } } } }
processors: { probabilistic_sampler: { sampling_percentage: 0 } }
exporters: { spoor_storage: }
service: { pipelines: { traces: { receivers: [otlp], processors: [probabilistic_sampler], exporters: [spoor_storage] } } }`
    const sampling = await startTestSpoor({ config: [{ text: config, file: 'sampling.yaml' }] })
    onTestFinished(() => sampling.remove())
    const report = await examine({ OTEL_EXPORTER_OTLP_ENDPOINT: sampling.urls.otlpHttp! }, { page: sampling.urls.page })
    expect(report.diagnoses).toMatchObject([
      { code: 'sampled', what: expect.stringContaining('probabilistic_sampler') as string },
    ])
    expect(report.hops.at(-1)).toMatchObject({ name: 'query', ok: false })
  })
})

/** A folder with these files. */
function folder(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-doctor-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), content)
    if (content.startsWith('#!')) chmodSync(join(directory, name), 0o755)
  }
  return directory
}

const manifest = (value: object): string => JSON.stringify({ name: 'app', ...value })

describe('a Node application', () => {
  const traced = { dependencies: { '@spoor/instrument': '1', express: '5' } }
  const lateEsm = "import express from 'express'\nimport './tracing.js'\n"
  it.each<[code: string, name: string, files: Record<string, string>, environment: Environment, line: string]>([
    [
      'tracing_not_loaded',
      'nothing loads it',
      {
        'package.json': manifest({ ...traced, scripts: { start: 'node app.js' } }),
        'app.js': "import express from 'express'\n",
      },
      {},
      'npm pkg set "scripts.start=node --import @spoor/instrument/register app.js"',
    ],
    [
      'loaded_before_tracing',
      'imported late',
      { 'package.json': manifest({ ...traced, type: 'module', scripts: { start: 'node app.js' } }), 'app.js': lateEsm },
      {},
      'npm pkg set "scripts.start=node --import ./tracing.js app.js"',
    ],
    [
      'require_for_esm',
      '--require of ES modules',
      {
        'package.json': manifest({
          ...traced,
          type: 'module',
          scripts: { start: 'node --require ./tracing.cjs app.js' },
        }),
        'app.js': '',
      },
      {},
      'npm pkg set "scripts.start=node --import ./tracing.cjs app.js"',
    ],
    [
      'bundled',
      'esbuild',
      { 'package.json': manifest({ scripts: { build: 'esbuild app.js --bundle --platform=node --outfile=out.js' } }) },
      {},
      'npm pkg set "scripts.build=esbuild app.js --bundle --packages=external --platform=node --outfile=out.js"',
    ],
    [
      'preload_missing',
      'a path that is not there',
      { 'package.json': manifest({}) },
      { NODE_OPTIONS: '--import ./nothing.js' },
      'NODE_OPTIONS=--import @spoor/instrument/register',
    ],
    [
      'next_bundles_it',
      'Next.js',
      {
        'package.json': manifest({ dependencies: { next: '16', '@spoor/instrument': '1' } }),
        'next.config.mjs': 'export default {}\n',
      },
      {},
      "serverExternalPackages: ['@spoor/instrument'],",
    ],
    [
      'docker_without_preload',
      'a container that goes past the script',
      {
        'package.json': manifest({ ...traced, scripts: { start: 'node --import @spoor/instrument/register app.js' } }),
        Dockerfile: 'FROM node\nCMD ["node", "app.js"]\n',
      },
      {},
      'ENV NODE_OPTIONS="--import @spoor/instrument/register"',
    ],
  ])('%s: %s', async (code, _, files, environment, line) => {
    const set = { OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), ...environment }
    const installed = { 'node_modules/@spoor/instrument/package.json': '{}' }
    const report = await examine(set, { directory: folder({ ...installed, ...files }) })
    const told = report.diagnoses.find((one) => one.code === code)
    expect(codesOf(report)).toContain(code)
    expect(told!.lines.map(({ text: one }) => one)).toContain(line)
    // The line, applied to the file or the environment that it is for.
    const key = /^npm pkg set "scripts\.(\w+)=(.*)"$/.exec(line)
    const mended: Record<string, string> = { ...installed, ...files }
    if (key) {
      const before = JSON.parse(files['package.json']!) as { scripts: Record<string, string> }
      mended['package.json'] = JSON.stringify({ ...before, scripts: { ...before.scripts, [key[1]!]: key[2]! } })
    } else if (code === 'next_bundles_it') mended['next.config.mjs'] = `export default { ${line} }\n`
    else if (line.startsWith('ENV ')) mended['Dockerfile'] = files['Dockerfile']!.replace('CMD', `${line}\nCMD`)
    const again = await examine(line.startsWith('NODE_OPTIONS') ? applied(set, line) : set, {
      directory: folder(mended),
    })
    expect(codesOf(again)).not.toContain(code)
  })

  it('what is to be loaded is the file that there is, or is installed first', async () => {
    const files = { 'package.json': manifest({ ...traced, scripts: { start: 'node app.js' } }), 'app.js': '' }
    const lineOf = async (all: Record<string, string>) =>
      (await examine({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl() }, { directory: folder(all) })).diagnoses[0]?.lines[0]
        ?.text
    expect(await lineOf(files)).toBe(
      'npm install @spoor/instrument && npm pkg set "scripts.start=node --import @spoor/instrument/register app.js"',
    )
    expect(await lineOf({ ...files, 'tracing.mjs': '' })).toBe(
      'npm pkg set "scripts.start=node --import ./tracing.mjs app.js"',
    )
  })

  it('two_api_copies: both places and versions', async () => {
    const lock = {
      packages: {
        'node_modules/@opentelemetry/api': { version: '1.4.1' },
        'node_modules/a/node_modules/@opentelemetry/api': { version: '1.9.0' },
      },
    }
    const files = { 'package.json': manifest({}), 'package-lock.json': JSON.stringify(lock) }
    const report = await examine({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl() }, { directory: folder(files) })
    expect(report.diagnoses).toMatchObject([
      {
        code: 'two_api_copies',
        what: expect.stringContaining('node_modules/a/node_modules/@opentelemetry/api 1.9.0') as string,
      },
    ])
    expect(report.diagnoses[0]!.lines[0]!.text).toContain('1.9.0')
  })

  it('one that is right is told nothing of', async () => {
    const files = {
      'package.json': manifest({
        ...traced,
        type: 'module',
        scripts: {
          start: 'node --import @spoor/instrument/register app.js',
          dev: 'node --watch --import ./tracing.js app.js',
          build: 'tsc',
          test: 'vitest',
        },
      }),
      'app.js': "import './tracing.js'\nimport express from 'express'\n",
      'package-lock.json': JSON.stringify({ packages: { 'node_modules/@opentelemetry/api': { version: '1.9.0' } } }),
    }
    expect((await examine({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl() }, { directory: folder(files) })).diagnoses).toEqual(
      [],
    )
  })
})

describe('a Python application', () => {
  /** An environment with these packages: what its interpreter says of them. */
  const python = (packages: Record<string, string> = {}): Record<string, string> => ({
    '.venv/bin/python': `#!/bin/sh\necho '${JSON.stringify(['3.13.5', packages])}'\n`,
  })
  const usual = python({
    'opentelemetry-sdk': '1.27.0',
    'opentelemetry-exporter-otlp-proto-grpc': '1.27.0',
    'opentelemetry-exporter-otlp-proto-http': '1.27.0',
  })
  const grpc = 'from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter'
  const overHttp = 'from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter'
  const exporter = (port: number) =>
    `exporter = OTLPSpanExporter(endpoint="http://localhost:${port}${port === 4318 ? '/v1/traces' : ''}")\n`
  const setUp =
    'provider = TracerProvider()\nprovider.add_span_processor(BatchSpanProcessor(exporter))\ntrace.set_tracer_provider(provider)\n'
  it.each<[code: string, name: string, files: Record<string, string>, mend: (text: string, line: string) => string]>([
    [
      'exporter_shadowed',
      'imported last',
      { 'app.py': `${overHttp}\n${grpc}\n${exporter(4318)}` },
      (source, line) => source.replace(`${grpc}\n`, '').replace(overHttp, line),
    ],
    [
      'exporter_of_other_port',
      'the class of the other',
      { 'app.py': `${grpc}\n${exporter(4318)}` },
      (source, line) => source.replace(grpc, line),
    ],
    [
      'instrumented_before_provider',
      'the order',
      { 'app.py': `${overHttp}\nFastAPIInstrumentor.instrument_app(app)\n${exporter(4318)}${setUp}` },
      (source) =>
        source
          .replace('FastAPIInstrumentor.instrument_app(app)\n', '')
          .replace(setUp, `${setUp}FastAPIInstrumentor.instrument_app(app)\n`),
    ],
    [
      'no_processor',
      'nothing in between',
      { 'app.py': `${overHttp}\nprovider = TracerProvider()\n${exporter(4318)}` },
      (source, line) => `${source}${line}\n`,
    ],
  ])('%s: %s', async (code, _, files, mend) => {
    const set = { OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }
    const report = await examine(set, { directory: folder({ ...usual, ...files }) })
    const told = report.diagnoses.find((one) => one.code === code)
    expect(codesOf(report)).toContain(code)
    expect(told!.what).toContain('app.py')
    const mended = { 'app.py': mend(files['app.py']!, told!.lines[0]!.text) }
    expect(codesOf(await examine(set, { directory: folder({ ...usual, ...mended }) }))).not.toContain(code)
  })

  it('imports in branches, and packages that nobody imports, are told nothing of', async () => {
    const source = `if grpc:\n    ${grpc}\nelse:\n    ${overHttp}\n${exporter(4318)}`
    const packages = python({
      'opentelemetry-sdk': '1.27.0',
      'opentelemetry-exporter-otlp-proto-grpc': '1.27.0',
      'opentelemetry-exporter-otlp-proto-http': '1.27.0',
      requests: '2.32.0',
    })
    const set = { OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }
    expect((await examine(set, { directory: folder({ ...packages, 'app.py': source }) })).diagnoses).toEqual([])
  })

  it('forked: gunicorn with preload, and the hook that mends it', async () => {
    const files = {
      ...usual,
      'app.py': `from opentelemetry.sdk.trace import TracerProvider\n${overHttp}\n${exporter(4318)}${setUp}`,
      'gunicorn.conf.py': 'preload_app = True\nworkers = 4\n',
    }
    const set = { OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }
    const report = await examine(set, { directory: folder(files) })
    const told = report.diagnoses.find(({ code }) => code === 'forked')
    expect(told?.lines[0]?.text).toContain('def post_fork')
    const mended = { ...files, 'gunicorn.conf.py': `${files['gunicorn.conf.py']}${told!.lines[0]!.text}\n` }
    expect(codesOf(await examine(set, { directory: folder(mended) }))).not.toContain('forked')
  })

  it.each<[code: string, packages: Record<string, string>, line: string, mended: Record<string, string>]>([
    [
      'no_sdk',
      { 'opentelemetry-api': '1.27.0' },
      'pip install opentelemetry-sdk opentelemetry-exporter-otlp',
      { 'opentelemetry-sdk': '1.27.0', 'opentelemetry-exporter-otlp': '1.27.0' },
    ],
    [
      'no_exporter',
      { 'opentelemetry-sdk': '1.27.0' },
      'pip install opentelemetry-exporter-otlp',
      { 'opentelemetry-exporter-otlp': '1.27.0' },
    ],
    [
      'versions_apart',
      {
        'opentelemetry-sdk': '1.27.0',
        'opentelemetry-exporter-otlp': '1.27.0',
        'opentelemetry-instrumentation-flask': '0.41b0',
      },
      'pip install --upgrade opentelemetry-instrumentation-flask==0.48b0',
      { 'opentelemetry-instrumentation-flask': '0.48b0' },
    ],
    [
      'not_instrumented',
      { 'opentelemetry-sdk': '1.27.0', 'opentelemetry-exporter-otlp': '1.27.0', flask: '3' },
      'pip install opentelemetry-instrumentation-flask',
      { 'opentelemetry-instrumentation-flask': '0.48b0' },
    ],
  ])('%s', async (code, packages, line, more) => {
    const set = { OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }
    const of = (all: Record<string, string>) =>
      examine(set, { directory: folder({ ...python(all), 'app.py': 'import flask\n' }) })
    const report = await of(packages)
    expect(report.python?.interpreter).toContain('3.13.5')
    expect(report.diagnoses).toMatchObject([{ code, lines: [{ kind: 'shell', text: line }] }])
    expect((await of({ ...packages, ...more })).diagnoses).toEqual([])
  })

  it('port_of_other_protocol: the default of Python is grpc', async () => {
    const port = 4318
    const report = await examine(
      { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
      { directory: folder({ ...python(), 'requirements.txt': 'fastapi\n' }) },
    )
    expect(report.diagnoses.find(({ code }) => code === 'port_of_other_protocol')).toMatchObject({
      what: expect.stringContaining('default of Python') as string,
      lines: [{ text: 'OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf' }],
    })
  })
})

describe('the command', () => {
  async function cli(
    ...args: string[]
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
    const io = { stdout: new PassThrough(), stderr: new PassThrough() }
    const code = await runCli(['node', 'spoor', 'doctor', '--page', spoor.urls.page, '--directory', empty, ...args], io)
    io.stdout.end()
    io.stderr.end()
    return { code, stdout: await text(io.stdout), stderr: await text(io.stderr) }
  }
  function withEnvironment(values: Record<string, string>): void {
    const before = { ...process.env }
    Object.assign(process.env, values)
    onTestFinished(() => {
      for (const name of Object.keys(values)) delete process.env[name]
      Object.assign(process.env, before)
    })
  }

  it('exits with 0, 1 and 2, for people and for programs', async () => {
    withEnvironment({ OTEL_SERVICE_NAME: 'shop', OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl() })
    const good = await cli()
    expect([good.code, good.stderr]).toEqual([0, ''])
    expect(good.stdout).toContain('All is well')
    process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `${httpUrl()}/v1/traces`
    const bad = await cli('--json')
    expect(bad.code).toBe(1)
    expect(JSON.parse(bad.stdout)).toMatchObject({ ok: false, diagnoses: [{ code: 'doubled_path' }] })
    expect((await cli('--page', 'not an address')).code).toBe(2)
  })

  it('runs a program instrumented, and says what came of it', async () => {
    withEnvironment({ OTEL_SERVICE_NAME: 'watched', OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl() })
    const script = `const http = await import('node:http')
const server = http.createServer((_, response) => response.end()).listen(0, () => http.get({ port: server.address().port }, (response) => { response.resume(); server.close() }))`
    writeFileSync(join(empty, 'app.mjs'), script)
    const { code, stdout } = await cli('--json', '--for', '20s', '--', 'node', 'app.mjs')
    const report = JSON.parse(stdout) as DoctorReport
    expect(report.watched).toMatchObject({ exitCode: 0, services: ['watched'] })
    expect(report.watched!.spans).toBeGreaterThan(0)
    expect(code).toBe(0)
    writeFileSync(join(empty, 'app.mjs'), 'setTimeout(() => {}, 100)')
    const silent = await cli('--json', '--for', '20s', '--', 'node', 'app.mjs')
    expect(JSON.parse(silent.stdout)).toMatchObject({ ok: false, diagnoses: [{ code: 'no_spans' }] })
  })
})
