/** Set-ups that people get wrong: each is made, named by its code with a line, the line is applied as it stands, and it works. */
import http from 'node:http'
import https from 'node:https'
import { rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { freePort, TEST_CERTIFICATE, TEST_KEY } from '@spoor/collector/testkit'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { SearchResponse, SendersResponse, ServicesResponse } from '../api.ts'
import { runCli } from '../cli.ts'
import { startTestSpoor } from '../testkit.ts'
import type { DoctorReport } from './doctor.ts'
import { applied, codesOf, openPractice } from './doctor.test.helper.ts'
import type { Environment } from './environment.ts'

const at = openPractice()
const { examine, httpUrl, grpcUrl } = at

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
    const { traces } = await at.spoor.json<SearchResponse>('/api/spoor/v1/search?from=1h')
    expect(traces.filter(({ rootService }) => rootService === 'spoor-doctor')).toEqual([])
    expect((await at.spoor.json<SearchResponse>('/api/spoor/v1/search?q=name:probe')).traces).toEqual([])
    expect((await at.spoor.json<ServicesResponse>('/api/spoor/v1/services')).services).not.toContain('spoor-doctor')
    expect(await at.spoor.json('/api/services')).toMatchObject({ data: [] })
    expect((await at.spoor.json<SendersResponse>('/api/spoor/v1/senders')).attention).toEqual([])
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
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: at.spoor.urls.otlpGrpc!, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }),
    ],
    ['bad_endpoint', 'three slashes', () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl().replace('//', '///') })],
    ['bad_endpoint', 'one slash', () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl().replace('//', '/') })],
    [
      'bad_endpoint',
      'a scheme that is none of HTTP',
      () => ({
        OTEL_EXPORTER_OTLP_ENDPOINT: grpcUrl().replace('http:', 'grpc:'),
        OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      }),
    ],
    ['space_around_value', 'a line of a file from Windows', () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: `${httpUrl()}\r` })],
    ['wrong_port', 'HTTP to the page', () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: at.spoor.urls.page })],
    [
      'wrong_port',
      'gRPC to the page',
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: at.spoor.urls.page, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }),
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
    [
      'bad_ratio',
      'a ratio in percent',
      () => ({
        OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(),
        OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '100%',
      }),
    ],
    [
      'bad_ratio',
      'a ratio above one',
      () => ({
        OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(),
        OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '100',
      }),
    ],
    ['quoted_value', 'an address in quotes', () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: `"${httpUrl()}"` })],
    [
      'quoted_value',
      'a protocol in quotes',
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_EXPORTER_OTLP_PROTOCOL: `'http/protobuf'` }),
    ],
    ['misspelt_variable', 'a letter that is missing', () => ({ OTEL_EXPORTER_OTLP_ENDPONT: httpUrl() })],
    ['misspelt_variable', 'letters in the wrong order', () => ({ OTEL_EXPORTER_OTLP_ENPDOINT: httpUrl() })],
    [
      'misspelt_variable',
      'an s that is missing',
      () => ({ OTEL_EXPORTER_OTLP_TRACE_ENDPOINT: `${httpUrl()}/v1/traces` }),
    ],
    [
      'unexpanded',
      'a variable in braces',
      () => ({ COLLECTOR: new URL(httpUrl()).host, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://${COLLECTOR}' }),
    ],
    [
      'unexpanded',
      'a variable with what it is otherwise',
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: `\${COLLECTOR:-${httpUrl()}}` }),
    ],
    [
      'unexpanded',
      'a variable of Windows',
      () => ({ COLLECTOR: httpUrl(), OTEL_EXPORTER_OTLP_ENDPOINT: '%COLLECTOR%' }),
    ],
    [
      'unexpanded',
      'a place for a name',
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_SERVICE_NAME: '<YOUR-SERVICE>' }),
    ],
    [
      'made_up_variable',
      'a share by another name',
      () => ({
        OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(),
        OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
        OTEL_TRACES_SAMPLER_RATIO: '1',
      }),
    ],
    [
      'made_up_variable',
      'the name of a service by another name',
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_SERVICE_NAME: '', OTEL_APP_NAME: 'shop' }),
    ],
    [
      'bad_attributes',
      'semicolons in between',
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_RESOURCE_ATTRIBUTES: 'team=blue;zone=a' }),
    ],
    [
      'bad_attributes',
      'as in YAML',
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_RESOURCE_ATTRIBUTES: 'team: blue,zone=a' }),
    ],
    [
      'bad_ratio',
      'a ratio with a comma',
      () => ({
        OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(),
        OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '1,0',
      }),
    ],
    [
      'long_delay',
      'a delay of minutes',
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_BSP_SCHEDULE_DELAY: '600000' }),
    ],
    [
      'short_timeout',
      'a timeout in seconds',
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_EXPORTER_OTLP_TIMEOUT: '10' }),
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

  it('variables of SDKs that are near to others are no slips, and those that go together neither', async () => {
    const report = await examine({
      OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(),
      OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: '10000',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf',
      OTEL_BLRP_SCHEDULE_DELAY: '5000',
      OTEL_BSP_SCHEDULE_DELAY_OLD: '5000',
      OTEL_NODE_RESOURCE_DETECTORS: 'env',
      OTEL_EXPORTER_ZIPKIN_ENDPOINT: 'http://localhost:9411',
      OTEL_INSTRUMENTATION_COMMON_PEER_SERVICE_URL: 'x',
      OTEL_RESOURCE_ATTRIBUTES: 'team=blue,owner=Jane Doe,query=a%3Bb',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20a${b}',
      OTEL_PYTHON_LOG_LEVEL: 'info',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '1.0',
    })
    expect(report.diagnoses).toEqual([])
  })

  it('instrumentations that are switched off are told, with what switches them on', async () => {
    const report = await examine({
      OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(),
      OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'http,express',
    })
    expect(report.diagnoses).toMatchObject([
      {
        code: 'instrumentations_disabled',
        lines: [{ kind: 'shell', text: 'unset OTEL_NODE_DISABLED_INSTRUMENTATIONS' }],
      },
    ])
  })

  it('what is secret is shown nowhere', async () => {
    const report = await examine({
      OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl().replace('//', '//ada:correct-horse@'),
      OTEL_EXPORTER_OTLP_HEADERS: 'Authorization: Bearer battery-staple',
      SPOOR_STATUS_TOKEN: 'tr0ub4dor-and-3',
      OTEL_TRACES_SAMPLER: 'nothing',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: '"authorization=hunter2hunter2hunter2"',
      OTEL_EXPORTER_OTLP_HEADER: 'authorization=hunter2hunter2hunter2',
    })
    expect(JSON.stringify(report)).not.toMatch(/correct-horse|battery-staple|tr0ub4dor|hunter2h/)
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

  it('plain_to_tls_port: http to a port that speaks TLS', async () => {
    const address = await serve((request, response) => {
      request.resume()
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    }, true)
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://${address.replace('127.0.0.1', 'localhost')}` }
    const told = (await examine(environment)).diagnoses.find(({ code }) => code === 'plain_to_tls_port')
    const ca = join(at.empty, 'ca.pem')
    writeFileSync(ca, TEST_CERTIFICATE)
    onTestFinished(() => rmSync(ca))
    const [scheme, trust] = told!.lines.map(({ text }) => text)
    const mended = await examine(applied(applied(environment, scheme!), trust!.replace('ca.pem', ca)))
    expect(mended.probes[0]).toMatchObject({ ok: true })
  })

  it('unknown_ca: the certificate of an authority that nobody knows, and the file that mends it', async () => {
    const address = await serve((request, response) => {
      request.resume()
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    }, true)
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: `https://${address.replace('127.0.0.1', 'localhost')}` }
    const report = await examine(environment)
    expect(codesOf(report)).toContain('unknown_ca')
    const ca = join(at.empty, 'ca.pem')
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

  it('moved: what answers leads elsewhere, as to https or to a path, where exporters do not follow', async () => {
    const address = await serve((request, response) => {
      request.resume()
      response.writeHead(308, { location: `${httpUrl()}/v1/traces` }).end()
    })
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://${address}` }
    const report = await examine(environment)
    const told = report.diagnoses.find(({ code }) => code === 'moved')!
    expect(told.lines).toEqual([{ kind: 'env', text: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=${httpUrl()}/v1/traces` }])
    expect((await examine(applied(environment, told.lines[0]!.text))).diagnoses).toEqual([])
    const nowhere = await serve((request, response) => {
      request.resume()
      response.writeHead(301, { location: '/login' }).end()
    })
    const [first] = (await examine({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://${nowhere}` })).diagnoses
    expect(first).toMatchObject({
      code: 'moved',
      lines: [{ text: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://${nowhere}/login` }],
    })
  })

  it('proxy_without_receiver: a proxy whose receiver is away', async () => {
    const address = await serve((request, response) => {
      request.resume()
      response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad Gateway</html>')
    })
    const report = await examine({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://${address}` })
    expect(report.diagnoses[0]).toMatchObject({ code: 'proxy_without_receiver', severity: 'error' })
  })

  it('made_up_variable: an address that no SDK reads', async () => {
    const environment = { OTEL_COLLECTOR_URL: httpUrl() }
    const report = await examine(environment)
    const told = report.diagnoses.find(({ code }) => code === 'made_up_variable')!
    expect(told.lines).toEqual([{ kind: 'env', text: `OTEL_EXPORTER_OTLP_ENDPOINT=${httpUrl()}` }])
    expect((await examine(applied(environment, told.lines[0]!.text))).diagnoses).toEqual([])
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

describe('the command', () => {
  async function cli(
    ...args: string[]
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
    const io = { stdout: new PassThrough(), stderr: new PassThrough() }
    const code = await runCli(
      ['node', 'spoor', 'doctor', '--page', at.spoor.urls.page, '--directory', at.empty, ...args],
      io,
    )
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
    writeFileSync(join(at.empty, 'app.mjs'), script)
    const { code, stdout } = await cli('--json', '--for', '20s', '--', 'node', 'app.mjs')
    const report = JSON.parse(stdout) as DoctorReport
    expect(report.watched).toMatchObject({ exitCode: 0, services: ['watched'] })
    expect(report.watched!.spans).toBeGreaterThan(0)
    expect(code).toBe(0)
    writeFileSync(join(at.empty, 'app.mjs'), 'setTimeout(() => {}, 100)')
    const silent = await cli('--json', '--for', '20s', '--', 'node', 'app.mjs')
    expect(JSON.parse(silent.stdout)).toMatchObject({ ok: false, diagnoses: [{ code: 'no_spans' }] })
  })
})
