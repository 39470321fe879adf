/** TLS of receivers and exporters: certificates of both sides, versions, and files that change under way. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import grpc from '@grpc/grpc-js'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createCollector, type Collector } from './collector.ts'
import { builtinFactories } from './factories.ts'
import { GRPC_PATHS } from './otlp-protocol/services.ts'
import {
  createSink,
  createTestLogger,
  OTHER_CERTIFICATE,
  OTHER_KEY,
  postTraces,
  TEST_CERTIFICATE,
  TEST_KEY,
  tracesRequest,
} from './testkit/index.ts'

const request = tracesRequest({ spans: 3 })

interface Files {
  readonly cert: string
  readonly key: string
  readonly otherCert: string
  readonly otherKey: string
}

function files(): Files {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-tls-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const write = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  return {
    cert: write('cert.pem', TEST_CERTIFICATE),
    key: write('key.pem', TEST_KEY),
    otherCert: write('other-cert.pem', OTHER_CERTIFICATE),
    otherKey: write('other-key.pem', OTHER_KEY),
  }
}

async function start(config: string, withSink = false) {
  const sink = createSink()
  const logger = createTestLogger()
  const collector = createCollector({
    config,
    factories: withSink ? [...builtinFactories, sink.factory()] : builtinFactories,
    logger,
  })
  await collector.start()
  onTestFinished(async () => collector.shutdown({ deadlineMs: 200 }))
  return { collector, sink, logger }
}

function addressOf(collector: Collector, protocol: 'grpc' | 'http'): string {
  return collector.listening().find((one) => one.protocol === protocol)?.address ?? ''
}

const server = (own: string): string => `
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0", tls: {${own}}}, http: {endpoint: "127.0.0.1:0", tls: {${own}}}}}}
exporters: {sink: }
service: {pipelines: {traces: {receivers: [otlp], exporters: [sink]}}}
`

/** A collector in front of that address; by which protocol, and with which TLS. */
const sender = (to: Collector, protocol: 'grpc' | 'http', own: string): string => {
  const endpoint = `"https://localhost:${addressOf(to, protocol).split(':')[1]}"`
  return `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
exporters: {otlp_${protocol}: {endpoint: ${endpoint}, tls: {${own}}, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp_${protocol}]}}}
`
}

/** The name in the certificate that the port shows, and the version that was agreed on. */
async function seen(
  address: string,
  options: tls.ConnectionOptions = {},
): Promise<{ name: string; version: string | null }> {
  const [host, port] = address.split(':')
  const socket = tls.connect({ host, port: Number(port), rejectUnauthorized: false, ...options })
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      resolve({ name: String(socket.getPeerCertificate().subject.CN), version: socket.getProtocol() })
      socket.destroy()
    })
  })
}

describe('certificates of both sides', () => {
  test.each(['grpc', 'http'] as const)(
    '%s: clients have to have one, signed by whom the receiver trusts',
    async (protocol) => {
      const { cert, key, otherCert, otherKey } = files()
      const own = `cert_file: ${cert}, key_file: ${key}, client_ca_file: ${otherCert}`
      const { collector: backend, sink } = await start(server(own), true)
      const known = `ca_file: ${cert}, cert_file: ${otherCert}, key_file: ${otherKey}`
      const good = await start(sender(backend, protocol, known))
      expect(await postTraces(addressOf(good.collector, 'http'), request)).toBe(200)
      expect(sink.items).toBe(3)
      for (const unknown of [`ca_file: ${cert}`, `ca_file: ${cert}, cert_file: ${cert}, key_file: ${key}`]) {
        const bad = await start(sender(backend, protocol, unknown))
        expect(await postTraces(addressOf(bad.collector, 'http'), request)).toBe(503)
      }
      expect(sink.items).toBe(3)
    },
  )

  test('PEM in the configuration, a name that the certificate must have, and no look at it', async () => {
    const text = (pem: string): string => JSON.stringify(pem)
    const { collector: backend } = await start(
      server(`cert_pem: ${text(OTHER_CERTIFICATE)}, key_pem: ${text(OTHER_KEY)}`),
      true,
    )
    const cases: [string, number][] = [
      [`ca_pem: ${text(OTHER_CERTIFICATE)}`, 200],
      [`ca_pem: ${text(OTHER_CERTIFICATE)}, include_system_ca_certs_pool: true`, 200],
      [`ca_pem: ${text(OTHER_CERTIFICATE)}, server_name_override: other.example`, 200],
      [`ca_pem: ${text(OTHER_CERTIFICATE)}, server_name_override: another.example`, 503],
      [`ca_pem: ${text(TEST_CERTIFICATE)}`, 503],
      ['insecure_skip_verify: true', 200],
    ]
    for (const protocol of ['grpc', 'http'] as const) {
      for (const [own, status] of cases) {
        const { collector } = await start(sender(backend, protocol, own))
        // Over HTTP/2 the name is that of the host as well, to which a port on loopback does not answer: TLS came about.
        const expected = protocol === 'grpc' && own.includes('override: other') ? 403 : status
        expect([own, await postTraces(addressOf(collector, 'http'), request)]).toEqual([own, expected])
      }
    }
  })

  test('grpc-js with a certificate of its own', async () => {
    const { cert, key, otherCert } = files()
    const { collector, sink } = await start(
      server(`cert_file: ${cert}, key_file: ${key}, client_ca_file: ${otherCert}`),
      true,
    )
    const credentials = grpc.credentials.createSsl(
      Buffer.from(TEST_CERTIFICATE),
      Buffer.from(OTHER_KEY),
      Buffer.from(OTHER_CERTIFICATE),
    )
    const client = new grpc.Client(`localhost:${addressOf(collector, 'grpc').split(':')[1]}`, credentials)
    onTestFinished(() => client.close())
    const same = (bytes: Buffer): Buffer => bytes
    const error = await new Promise((resolve) => {
      client.makeUnaryRequest(GRPC_PATHS.traces, same, same, Buffer.from(request), resolve)
    })
    expect([error, sink.items]).toEqual([null, 3])
  })
})

describe('what is agreed on', () => {
  test.each([
    ['', 'TLSv1.3'],
    ['max_version: "1.2"', 'TLSv1.2'],
    ['min_version: "1.3"', 'TLSv1.3'],
  ])('%s', async (own, version) => {
    const { cert, key } = files()
    const { collector } = await start(server(`cert_file: ${cert}, key_file: ${key}, ${own}`), true)
    expect((await seen(addressOf(collector, 'http'))).version).toBe(version)
    const older = seen(addressOf(collector, 'http'), { maxVersion: 'TLSv1.2' })
    if (own.includes('min')) await expect(older).rejects.toThrow(/version|alert/i)
    else expect((await older).version).toBe('TLSv1.2')
  })

  test('suites by the names of Go; those of TLS 1.3 stay', async () => {
    const { cert, key } = files()
    const suites = 'cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384], curve_preferences: [P256]'
    const { collector } = await start(server(`cert_file: ${cert}, key_file: ${key}, ${suites}`), true)
    const address = addressOf(collector, 'http')
    expect((await seen(address)).version).toBe('TLSv1.3')
    const old: tls.ConnectionOptions = { maxVersion: 'TLSv1.2' }
    expect((await seen(address, { ...old, ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' })).version).toBe('TLSv1.2')
    await expect(seen(address, { ...old, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })).rejects.toThrow()
    await expect(seen(address, { ecdhCurve: 'X25519' })).rejects.toThrow()
  })
})

describe('files that change', () => {
  const replace = ({ cert, key }: Files): void => {
    writeFileSync(cert, OTHER_CERTIFICATE)
    writeFileSync(key, OTHER_KEY)
  }

  test('hold after reload_interval; what cannot be used is told', async () => {
    const own = files()
    const config = server(`cert_file: ${own.cert}, key_file: ${own.key}, reload_interval: 50ms`)
    const { collector, logger } = await start(config, true)
    const address = addressOf(collector, 'grpc')
    expect((await seen(address)).name).toBe('localhost')
    writeFileSync(own.cert, OTHER_CERTIFICATE)
    const told = (message: string): boolean => logger.lines.some((line) => line.message.includes(message))
    await expect.poll(() => told('cannot be used'), { timeout: 15_000 }).toBe(true)
    expect((await seen(address)).name).toBe('localhost')
    expect(collector.pipelines().status).toMatchObject({ status: 'recoverable_error' })
    writeFileSync(own.key, OTHER_KEY)
    await expect.poll(async () => (await seen(address)).name, { timeout: 15_000 }).toBe('other.example')
    expect(told('holds from now on')).toBe(true)
    expect(collector.pipelines().status).toMatchObject({ status: 'ok' })
  })

  test('hold after a reload of the configuration, on the sockets that there are', async () => {
    const own = files()
    const config = server(`cert_file: ${own.cert}, key_file: ${own.key}`)
    const { collector } = await start(config, true)
    const address = addressOf(collector, 'grpc')
    replace(own)
    expect((await seen(address)).name).toBe('localhost')
    await collector.reload([{ text: config, file: 'otel.yaml' }])
    expect(addressOf(collector, 'grpc')).toBe(address)
    expect((await seen(address)).name).toBe('other.example')
  })

  test('who has signed the certificates of clients', async () => {
    const { cert, key, otherCert } = files()
    const own = `cert_file: ${cert}, key_file: ${key}, client_ca_file: ${otherCert}, client_ca_file_reload: true`
    const { collector: backend } = await start(server(own), true)
    const { collector } = await start(sender(backend, 'grpc', `ca_file: ${cert}, cert_file: ${cert}, key_file: ${key}`))
    expect(await postTraces(addressOf(collector, 'http'), request)).toBe(503)
    writeFileSync(otherCert, TEST_CERTIFICATE)
    await expect.poll(() => postTraces(addressOf(collector, 'http'), request), { timeout: 15_000 }).toBe(200)
  })

  test.each(['grpc', 'http'] as const)('of an exporter over %s', async (protocol) => {
    const { cert, key, otherCert, otherKey } = files()
    const own = `cert_file: ${cert}, key_file: ${key}, client_ca_file: ${otherCert}`
    const { collector: backend } = await start(server(own), true)
    const mine = files()
    const config = sender(backend, protocol, `ca_file: ${cert}, cert_file: ${mine.cert}, key_file: ${mine.key}`)
    const { collector } = await start(config)
    const post = (): Promise<number> => postTraces(addressOf(collector, 'http'), request)
    expect(await post()).toBe(503)
    replace(mine)
    await collector.reload([{ text: config, file: 'otel.yaml' }])
    expect(await post()).toBe(200)
    // And back, though there is a connection that was let in.
    writeFileSync(mine.cert, TEST_CERTIFICATE)
    writeFileSync(mine.key, TEST_KEY)
    await collector.reload([{ text: config, file: 'otel.yaml' }])
    await expect.poll(post, { timeout: 15_000 }).toBe(503)
    expect(otherKey).not.toBe(key)
  })
})

test.each([
  ['cert_file: a', /must include both certificate and key/],
  [
    'cert_file: a, cert_pem: b, key_file: c',
    /receivers\.otlp\.protocols\.grpc\.tls\.cert_pem: provide either cert_file or cert_pem, but not both/,
  ],
  ['cert_file: a, key_file: b, min_version: "1.3", max_version: "1.2"', /min_version 1\.3 is above max_version 1\.2/],
  [
    'cert_file: a, key_file: b, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA265]',
    /invalid TLS cipher suite: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA265"; did you mean "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"/,
  ],
  [
    'cert_file: a, key_file: b, cipher_suites: [TLS_RSA_WITH_AES_128_GCM_SHA256]',
    /no forward secrecy; remove it, or set include_insecure_cipher_suites/,
  ],
  ['cert_file: a, key_file: b, curve_preferences: [P255]', /invalid TLS curve: "P255"; did you mean "P25/],
])('a server with %s is an error at its place', (own, message) => {
  const create = () => createCollector({ config: server(own), factories: builtinFactories, logger: createTestLogger() })
  expect(create).toThrow(message)
})

describe('pages of extensions', () => {
  test('over TLS, with a certificate that may change', async () => {
    const { cert, key, otherCert, otherKey } = files()
    const config = (type: string): string => `
receivers: {nop: }
exporters: {nop: }
extensions: {${type}: {endpoint: "127.0.0.1:0", tls: {cert_file: ${cert}, key_file: ${key}}}}
service: {extensions: [${type}], pipelines: {traces: {receivers: [nop], exporters: [nop]}}}
`
    for (const type of ['health_check', 'zpages']) {
      const { collector } = await start(config(type))
      const address = addressOf(collector, 'http')
      const before = await seen(address)
      await expect(fetch(`http://${address}`)).rejects.toThrow()
      for (const [from, to] of [
        [otherCert, cert],
        [otherKey, key],
      ] as const)
        writeFileSync(to, readFileSync(from))
      await collector.reload(config(type))
      expect((await seen(address)).name).not.toBe(before.name)
      for (const [text, to] of [
        [TEST_CERTIFICATE, cert],
        [TEST_KEY, key],
      ] as const)
        writeFileSync(to, text)
    }
  })

  test('nobody is let in unasked where somebody is to be asked', () => {
    const config = `
receivers: {nop: }
exporters: {nop: }
extensions: {zpages: {auth: {authenticator: basicauth}}}
service: {extensions: [zpages], pipelines: {traces: {receivers: [nop], exporters: [nop]}}}
`
    expect(() => createCollector({ config, factories: builtinFactories, logger: createTestLogger() })).toThrow(
      'extensions.zpages.auth: nobody is asked who they are here',
    )
  })
})
