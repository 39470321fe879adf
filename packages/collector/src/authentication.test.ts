/** Who may send, and who the collector is at servers: whole collectors, real clients. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import grpc from '@grpc/grpc-js'
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { OTLPTraceExporter as HttpExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { TracerProvider, SimpleSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace'
import { hashSync } from 'bcryptjs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createCollector, type Collector } from './collector.ts'
import { effectiveConfig } from './config/index.ts'
import { builtinFactories } from './factories.ts'
import { GRPC_PATHS } from './otlp-protocol/services.ts'
import { createSink, createTestLogger, postTraces, tracesRequest, type Sink } from './testkit/index.ts'

const request = tracesRequest({ spans: 3 })
const HASH = hashSync('right', 4)
const BASIC = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

interface Server {
  readonly collector: Collector
  readonly sink: Sink
  readonly logger: ReturnType<typeof createTestLogger>
  readonly http: string
  readonly grpc: string
}

async function start(config: string): Promise<Server> {
  const sink = createSink()
  const logger = createTestLogger()
  const collector = createCollector({ config, factories: [...builtinFactories, sink.factory()], logger })
  await collector.start()
  onTestFinished(async () => collector.shutdown({ deadlineMs: 200 }))
  const [grpcPort, httpPort] = ['grpc', 'http'].map(
    (protocol) => collector.listening().find((one) => one.protocol === protocol)?.address ?? '',
  )
  return { collector, sink, logger, grpc: grpcPort!, http: httpPort! }
}

/** A collector that lets in whom the extension knows. `auth`: more keys beside the authenticator. */
function server(extension: string, auth = ''): string {
  const id = extension.slice(0, extension.indexOf(':'))
  const port = `{endpoint: "127.0.0.1:0", auth: {authenticator: ${id}${auth}}}`
  return `
extensions: {${extension}}
receivers: {otlp: {protocols: {grpc: ${port}, http: ${port}}}}
exporters: {sink: }
service: {extensions: [${id}], pipelines: {traces: {receivers: [otlp], exporters: [sink]}}}
`
}

const USERS = server(`basicauth: {htpasswd: {inline: 'ada:${HASH}'}}`)
const TOKENS = server('bearertokenauth: {tokens: [alpha, beta]}')

async function post(address: string, headers: Record<string, string> = {}, query = ''): Promise<Response> {
  return fetch(`http://${address}/v1/traces${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', ...headers },
    body: Buffer.from(request),
  })
}

async function call(address: string, headers: Record<string, string> = {}): Promise<grpc.ServiceError | null> {
  const client = new grpc.Client(address, grpc.credentials.createInsecure())
  onTestFinished(() => client.close())
  const metadata = new grpc.Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  const same = (bytes: Buffer): Buffer => bytes
  return new Promise((resolve) => {
    client.makeUnaryRequest(GRPC_PATHS.traces, same, same, Buffer.from(request), metadata, resolve)
  })
}

describe('a receiver', () => {
  test.each([
    [USERS, BASIC('ada', 'right'), { subject: 'ada' }],
    [TOKENS, 'Bearer beta', { subject: '' }],
  ])('lets in whom it knows, by both protocols on both ports (%#)', async (config, authorization, auth) => {
    const { grpc, http, sink } = await start(config)
    for (const address of [grpc, http]) {
      expect((await post(address, { authorization })).status).toBe(200)
      expect(await call(address, { authorization })).toBeNull()
    }
    expect(sink.items).toBe(12)
    expect(sink.contexts).toMatchObject([{ auth }, { auth }, { auth }, { auth }])
  })

  test.each([
    [USERS, undefined, 'no basic auth provided', 'Basic realm="spoor", charset="UTF-8"'],
    [USERS, 'Bearer alpha', 'invalid authorization scheme prefix', 'Basic realm="spoor", charset="UTF-8"'],
    [USERS, 'Basic YWRh', 'invalid authorization format', 'Basic realm="spoor", charset="UTF-8"'],
    [USERS, BASIC('ada', 'wrong'), 'invalid credentials', 'Basic realm="spoor", charset="UTF-8"'],
    [USERS, BASIC('bob', 'right'), 'invalid credentials', 'Basic realm="spoor", charset="UTF-8"'],
    [TOKENS, undefined, 'missing or empty header: Authorization', 'Bearer'],
    [TOKENS, 'Bearer gamma', 'provided authorization does not match expected scheme or token', 'Bearer'],
    [TOKENS, 'alpha', 'provided authorization does not match expected scheme or token', 'Bearer'],
  ])('refuses others, counted and told once (%#)', async (config, authorization, message, challenge) => {
    const { collector, grpc: grpcPort, http, sink, logger } = await start(config)
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
    for (let index = 0; index < 3; index++) {
      const answer = await post(http, headers)
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, challenge])
      expect(await answer.text()).toBe(`401 ${message}\n`)
      expect(await call(grpcPort, headers)).toMatchObject({ code: grpc.status.UNAUTHENTICATED, details: message })
    }
    expect(sink.items).toBe(0)
    const counted = collector.counters
      .snapshot()
      .filter(({ name, labels }) => name === 'otelcol_receiver_requests' && labels['outcome'] === 'unauthenticated')
    expect(counted.map(({ value }) => value)).toEqual([3, 3])
    const lines = logger.lines.filter(({ fields }) => fields['reason'] === 'unauthenticated')
    expect(new Set(lines.map(({ fields }) => fields['transport']))).toEqual(new Set(['grpc', 'http']))
    expect(lines).toHaveLength(2)
    expect(JSON.stringify(logger.lines)).not.toMatch(/wrong|alpha|right/)
  })

  test('asks before it looks at paths and methods; a preflight is answered', async () => {
    const config = TOKENS.replaceAll(
      'endpoint: "127.0.0.1:0"',
      'endpoint: "127.0.0.1:0", cors: {allowed_origins: ["*"]}',
    )
    const { http } = await start(
      config.replace(
        'grpc: {endpoint: "127.0.0.1:0", cors: {allowed_origins: ["*"]}',
        'grpc: {endpoint: "127.0.0.1:0"',
      ),
    )
    expect((await fetch(`http://${http}/nothing`)).status).toBe(401)
    const headers = { origin: 'http://shop.example', 'access-control-request-method': 'POST' }
    expect((await fetch(`http://${http}/v1/traces`, { method: 'OPTIONS', headers })).status).toBe(204)
  })

  test('takes parameters of the query for headers where it is told to', async () => {
    const { http } = await start(
      server('bearertokenauth: {token: alpha, scheme: "", header: X-Token}', ', request_params: [x-token]').replace(
        'grpc: {endpoint: "127.0.0.1:0", auth: {authenticator: bearertokenauth, request_params: [x-token]}}, ',
        '',
      ),
    )
    expect((await post(http, {}, '?X-Token=alpha')).status).toBe(200)
    expect((await post(http, {}, '?X-Token=beta')).status).toBe(401)
    expect((await post(http, { 'x-token': 'beta' }, '?X-Token=alpha')).status).toBe(401)
  })

  test.each([HASH, 'right'])('the official exporters get through (%#)', async (secret) => {
    const { grpc: grpcPort, http, sink } = await start(server(`basicauth: {htpasswd: {inline: 'ada:${secret}'}}`))
    const metadata = new grpc.Metadata()
    metadata.set('authorization', BASIC('ada', 'right'))
    const exporters: SpanExporter[] = [
      new HttpExporter({ url: `http://${http}/v1/traces`, headers: { authorization: BASIC('ada', 'right') } }),
      new GrpcExporter({ url: `http://${grpcPort}`, metadata }),
    ]
    for (const exporter of exporters) {
      const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
      provider.getTracer('test').startSpan('one').end()
      await provider.forceFlush()
      await provider.shutdown()
    }
    expect(sink.items).toBe(2)
  })
})

describe('an exporter', () => {
  const sender = (exporter: string, extension: string): string => `
extensions: {${extension}}
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
exporters: {${exporter}}
service: {extensions: [${extension.split(':')[0]}], pipelines: {traces: {receivers: [otlp], exporters: [${exporter.split(':')[0]}]}}}
`
  const DIRECT = 'sending_queue: {enabled: false}, retry_on_failure: {enabled: false}'
  const over = {
    otlp_grpc: ({ grpc }: Server, id: string) =>
      `otlp_grpc: {endpoint: "${grpc}", tls: {insecure: true}, auth: {authenticator: ${id}}, ${DIRECT}}`,
    otlp_http: ({ http }: Server, id: string) =>
      `otlp_http: {endpoint: "http://${http}", headers: {Authorization: none}, auth: {authenticator: ${id}}, ${DIRECT}}`,
  }

  test.each(['otlp_grpc', 'otlp_http'] as const)('%s says who it is', async (type) => {
    const users = await start(USERS)
    const known = await start(
      sender(over[type](users, 'basicauth'), 'basicauth: {client_auth: {username: ada, password: right}}'),
    )
    expect(await postTraces(known.http, request)).toBe(200)
    expect(users.sink.items).toBe(3)
    const unknown = await start(
      sender(over[type](users, 'basicauth'), 'basicauth: {client_auth: {username: ada, password: wrong}}'),
    )
    expect(await postTraces(unknown.http, request)).not.toBe(200)
    const tokens = await start(TOKENS)
    const token = await start(sender(over[type](tokens, 'bearertokenauth/a'), 'bearertokenauth/a: {token: alpha}'))
    expect(await postTraces(token.http, request)).toBe(200)
    expect(tokens.sink.items).toBe(3)
  })

  test('secrets in files: what is written there holds, at both ends', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'spoor-auth-'))
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
    const [tokens, password, users] = ['tokens', 'password', 'users'].map((name) => join(directory, name))
    writeFileSync(tokens!, 'old\n\nother\n')
    writeFileSync(password!, 'right\n')
    writeFileSync(users!, 'ada:right\n')
    const bearer = await start(server(`bearertokenauth: {filename: ${tokens}}`))
    const basic = await start(server(`basicauth: {htpasswd: {file: ${users}}}`))
    const client = `bearertokenauth: {filename: ${tokens}}`
    const bearerSender = await start(sender(over.otlp_http(bearer, 'bearertokenauth'), client))
    const basicClient = `basicauth: {client_auth: {username: ada, password_file: ${password}}}`
    const basicSender = await start(sender(over.otlp_http(basic, 'basicauth'), basicClient))
    const send = async (): Promise<number[]> => [
      await postTraces(bearerSender.http, request),
      await postTraces(basicSender.http, request),
      (await post(bearer.http, { authorization: 'Bearer old' })).status,
      (await post(basic.http, { authorization: BASIC('ada', 'right') })).status,
    ]
    expect(await send()).toEqual([200, 200, 200, 200])
    writeFileSync(tokens!, 'renewed\n')
    writeFileSync(password!, 'renewed\n')
    writeFileSync(users!, 'ada:renewed\n')
    await expect.poll(send, { timeout: 15_000 }).toEqual([200, 200, 401, 401])
    // A file that cannot be used changes nothing, and is told.
    writeFileSync(users!, 'nonsense\n')
    rmSync(tokens!)
    const told = ({ logger }: Server): boolean => logger.lines.some(({ message }) => message.includes('cannot be used'))
    await expect.poll(() => told(basic) && told(bearer), { timeout: 15_000 }).toBe(true)
    expect(await send()).toEqual([200, 200, 401, 401])
  })
})

describe('a file with tokens that is not there yet', () => {
  const place = (): string => {
    const directory = mkdtempSync(join(tmpdir(), 'spoor-auth-'))
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
    return join(directory, 'tokens')
  }
  const retry = 'retry_on_failure: {enabled: true, interval: 10ms'

  test('is looked for again; until then nobody is let in, not for good', async () => {
    const file = place()
    const { http, logger } = await start(server(`bearertokenauth: {filename: ${file}, token: a, ${retry}}}`))
    for (const token of ['a', 'b']) expect((await post(http, { authorization: `Bearer ${token}` })).status).toBe(503)
    expect(logger.lines.some(({ message }) => message.includes('It is looked for again.'))).toBe(true)
    writeFileSync(file, 'b\n')
    await expect.poll(async () => (await post(http, { authorization: 'Bearer b' })).status).toBe(200)
    expect((await post(http, { authorization: 'Bearer a' })).status).toBe(401)
  })

  test('is waited for with wait_for_token_file, until it is given up', async () => {
    const file = place()
    const waiting = `bearertokenauth: {filename: ${file}, wait_for_token_file: true, ${retry}`
    await expect(start(server(`${waiting}, max_retries: 2}}`))).rejects.toThrow(/bearertokenauth: filename: /)
    const starting = start(server(`${waiting}}}`))
    writeFileSync(file, 'b\n')
    const { http } = await starting
    expect((await post(http, { authorization: 'Bearer b' })).status).toBe(200)
  })
})

describe('a configuration', () => {
  const create = (config: string) => () =>
    createCollector({ config, factories: builtinFactories, logger: createTestLogger() })
  test.each([
    [
      USERS.replaceAll('authenticator: basicauth', 'authenticator: basicaut'),
      /:3:71 receivers\.otlp\.protocols\.grpc\.auth\.authenticator: extension "basicaut" is not among service\.extensions; did you mean "basicauth"\?/,
    ],
    [
      USERS.replace(`htpasswd: {inline: 'ada:${HASH}'}`, 'client_auth: {username: ada, password: x}'),
      /extension "basicauth" is no extension for authentication of clients/,
    ],
    [USERS.replace('authenticator: basicauth', ''), /auth\.authenticator/],
    [server('basicauth: '), /no credential source provided/],
    [server('basicauth: {client_auth: {username: ada}}'), /no password; write password or password_file/],
    [server('bearertokenauth: '), /no bearer token provided/],
    [server('bearertokenauth: {token: a, retry_on_failure: {enabled: true}}'), /requires filename to be set/],
    [server('bearertokenauth: {filename: a, wait_for_token_file: true}'), /requires retry_on_failure to be enabled/],
    [server('bearertokenauth: {token: a, tokens: [b]}'), /either tokens or token should be provided, not both/],
  ])('is told at its place (%#)', (config, message) => {
    expect(create(config)).toThrow(message)
  })

  test('that is wrong in a file or a hash ends the start', async () => {
    const starting = createCollector({
      config: server("basicauth: {htpasswd: {inline: 'ada'}}").replace('sink:', 'nop:').replace('[sink]', '[nop]'),
      factories: builtinFactories,
      logger: createTestLogger(),
    })
    onTestFinished(async () => starting.shutdown({ deadlineMs: 100 }))
    await expect(starting.start()).rejects.toThrow('extension basicauth: htpasswd.inline: line 1: not user:hash')
  })

  test('is shown without its secrets', () => {
    const client = 'basicauth: {client_auth: {username: ada, password: right}}'
    for (const text of [USERS, TOKENS, server('bearertokenauth: {token: alpha}'), server(client)]) {
      const shown = effectiveConfig([{ text, file: 'otel.yaml' }], { env: {}, redacted: true, format: 'yaml' })
      expect(shown).not.toMatch(/alpha|beta|right|\$2b/)
      expect(shown).toContain('[REDACTED]')
    }
  })
})
