/** The way to an address: its name, its port, its certificate, and the proxies that are set. */
import { lookup } from 'node:dns/promises'
import { isIP, connect } from 'node:net'
import { connect as connectTls, type PeerCertificate } from 'node:tls'
import { DOCTOR_ALPN, isLoopback } from '@spoor/collector'
import { type Diagnosis, diagnosis, env, shell } from './diagnosis.ts'
import { type Environment, find } from './environment.ts'
import type { Protocol, Target } from './settings.ts'

/** One step of the way. */
export interface Step {
  readonly name: string
  readonly ok: boolean
  /** What was found: addresses, a certificate's names. */
  readonly detail: string
}

export interface NetworkReport {
  readonly steps: readonly Step[]
  readonly diagnoses: readonly Diagnosis[]
  /** Whether a connection to the port came about, with TLS where that is asked for. */
  readonly isOpen: boolean
}

const TIMEOUT_MS = 3_000

export async function checkNetwork(
  { url, protocol, certificate, endpointFrom }: Target,
  environment: Environment,
  inContainer: boolean,
): Promise<NetworkReport> {
  const steps: Step[] = []
  const found: Diagnosis[] = []
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  checkProxies(environment, url, protocol, found)
  const addresses = isIP(host) ? [host] : await namesOf(host, found, endpointFrom, url)
  if (!isIP(host))
    steps.push({ name: 'name', ok: addresses.length > 0, detail: `${host} → ${addresses.join(', ') || 'unknown'}` })
  if (addresses.length === 0) return { steps, diagnoses: found, isOpen: false }
  const tried = await Promise.all(addresses.map(async (address) => ({ address, problem: await tcp(address, port) })))
  for (const { address, problem } of tried)
    steps.push({ name: 'tcp', ok: problem === undefined, detail: `${address} port ${port}: ${problem ?? 'open'}` })
  const open = tried.filter(({ problem }) => problem === undefined)
  if (open.length === 0) {
    found.push(await closed(url, host, port, tried[0]!.problem ?? '', protocol, endpointFrom, inContainer))
    return { steps, diagnoses: found, isOpen: false }
  }
  if (open.length < tried.length) {
    const shut = tried.filter(({ problem }) => problem !== undefined).map(({ address }) => address)
    const mended = new URL(url)
    mended.hostname = open[0]!.address.includes(':') ? `[${open[0]!.address}]` : open[0]!.address
    found.push(
      diagnosis(
        'half_open',
        `${host} is ${addresses.join(' and ')}, and on ${shut.join(', ')} nothing listens: a client that tries one address alone may take that one.`,
        'Name the address that is listened on.',
        [env(endpointFrom ?? endpointVariable(protocol), hrefOf(mended))],
        'info',
      ),
    )
  }
  if (url.protocol !== 'https:') return { steps, diagnoses: found, isOpen: true }
  const isOpen = await checkTls(url, open[0]!.address, host, port, certificate, protocol, endpointFrom, steps, found)
  return { steps, diagnoses: found, isOpen }
}

function endpointVariable(protocol: Protocol): string {
  return protocol === 'grpc' ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'
}

/** As a variable has it: without a slash that says nothing. */
function hrefOf(url: URL): string {
  return url.pathname === '/' ? url.origin : url.href
}

/** The address for the variable that it came from: the general one has no path. */
export function withOrigin(url: URL, origin: string, from: string | undefined, protocol: Protocol): string {
  const isWhole = (from ?? endpointVariable(protocol)).includes('TRACES') && protocol !== 'grpc'
  return isWhole ? `${origin}${url.pathname === '/' ? '/v1/traces' : url.pathname}` : origin
}

async function namesOf(host: string, found: Diagnosis[], from: string | undefined, url: URL): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const protocol: Protocol = url.pathname === '/' ? 'grpc' : 'http/protobuf'
    const local = `${url.protocol}//localhost:${url.port || (protocol === 'grpc' ? '4317' : '4318')}`
    found.push(
      diagnosis(
        'unknown_host',
        `The name ${host} is not known here (${code ?? 'no answer'}).`,
        'Write a name that this machine knows; names of containers are known in their network alone.',
        [env(from ?? endpointVariable(protocol), withOrigin(url, local, from, protocol))],
      ),
    )
    return []
  }
}

/** Undefined where a connection came about, else why it did not. */
async function tcp(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (problem?: string): void => {
      socket.destroy()
      resolve(problem)
    }
    socket.setTimeout(TIMEOUT_MS, () => end('no answer'))
    socket.once('connect', () => end())
    socket.once('error', ({ code, message }: NodeJS.ErrnoException) => end(code ?? message))
  })
}

/** What a container calls the machine that it runs on, where it has a name for it. */
async function machineOfContainer(): Promise<string | undefined> {
  for (const name of ['host.docker.internal', 'host.containers.internal'])
    if (await lookup(name).catch(() => undefined)) return name
  return undefined
}

async function closed(
  url: URL,
  host: string,
  port: number,
  problem: string,
  protocol: Protocol,
  from: string | undefined,
  inContainer: boolean,
): Promise<Diagnosis> {
  const variable = from ?? endpointVariable(protocol)
  const what =
    problem === 'ECONNREFUSED' ? `Nothing listens on ${host}:${port}` : `${host}:${port} does not answer (${problem})`
  const usual = protocol === 'grpc' ? 4317 : 4318
  if (isLoopback(host) && port !== usual && (await tcp('127.0.0.1', usual)) === undefined)
    return diagnosis('nothing_listens', `${what}; OTLP is taken on port ${usual}.`, 'Write that port.', [
      env(variable, withOrigin(url, `http://127.0.0.1:${usual}`, from, protocol)),
    ])
  const outside = isLoopback(host) && inContainer ? await machineOfContainer() : undefined
  if (outside !== undefined) {
    const origin = `${url.protocol}//${outside}:${port}`
    return diagnosis(
      'loopback_of_container',
      `${what}: this is a container, and ${host} is the container itself.`,
      'Send to the machine that the container runs on, where Spoor has to listen for others: spoor --host 0.0.0.0.',
      [env(variable, withOrigin(url, origin, from, protocol)), shell('spoor --host 0.0.0.0')],
    )
  }
  return diagnosis(
    'nothing_listens',
    `${what}.`,
    isLoopback(host)
      ? 'Start Spoor; its ports for OTLP are 4317 (gRPC) and 4318 (HTTP).'
      : `Is it running there, does it listen for others (spoor --host), and does a firewall let port ${port} through?`,
    [shell(isLoopback(host) ? 'npx spoor' : 'npx spoor --host 0.0.0.0')],
  )
}

interface Handshake {
  readonly error: NodeJS.ErrnoException | undefined
  readonly isTrusted: boolean
  readonly reason: string
  readonly chain: readonly PeerCertificate[]
}

async function checkTls(
  url: URL,
  address: string,
  host: string,
  port: number,
  certificate: string | undefined,
  protocol: Protocol,
  from: string | undefined,
  steps: Step[],
  found: Diagnosis[],
): Promise<boolean> {
  let ca: Buffer | undefined
  try {
    ca =
      certificate === undefined
        ? undefined
        : await import('node:fs/promises').then(({ readFile }) => readFile(certificate))
  } catch (error) {
    found.push(
      diagnosis(
        'no_certificate_file',
        `OTEL_EXPORTER_OTLP_CERTIFICATE=${certificate}: ${(error as Error).message}.`,
        'Name a file that there is.',
        [env('OTEL_EXPORTER_OTLP_CERTIFICATE', 'ca.pem')],
      ),
    )
  }
  const shake = await handshake(address, host, port, ca)
  if (shake.error) {
    const isPlain = /WRONG_VERSION_NUMBER|ECONNRESET|EPROTO|PACKET_LENGTH/.test(
      `${shake.error.code} ${shake.error.message}`,
    )
    steps.push({ name: 'tls', ok: false, detail: shake.error.code ?? shake.error.message })
    found.push(
      isPlain
        ? diagnosis(
            'tls_to_plain_port',
            `${host}:${port} speaks no TLS, and the address says https.`,
            'Write http://.',
            [
              env(
                from ?? endpointVariable(protocol),
                withOrigin(url, url.origin.replace('https:', 'http:'), from, protocol),
              ),
            ],
          )
        : diagnosis(
            'tls_failed',
            `No TLS connection to ${host}:${port} comes about: ${shake.error.message}.`,
            'Compare versions of TLS and certificates of both sides.',
          ),
    )
    return false
  }
  const names = shake.chain.map(({ subject }) => textOf(subject?.CN) || '?').join(' ← ')
  steps.push({ name: 'tls', ok: shake.isTrusted, detail: `${names}${shake.isTrusted ? '' : `: ${shake.reason}`}` })
  if (shake.isTrusted) return true
  const last = shake.chain.at(-1)
  const signer = textOf(last?.issuer?.CN) || textOf(last?.subject?.CN) || 'unknown'
  if (/ALTNAME/.test(shake.reason)) {
    found.push(
      diagnosis(
        'name_of_other',
        `The certificate of ${host}:${port} is for ${shake.chain[0]?.subjectaltname ?? names}, and not for ${host}.`,
        'Write a name that is in it.',
      ),
    )
    return false
  }
  if (/EXPIRED/.test(shake.reason)) {
    found.push(
      diagnosis(
        'expired',
        `The certificate of ${host}:${port} is not valid any more (until ${shake.chain[0]?.valid_to}).`,
        'Let it be signed anew.',
      ),
    )
    return false
  }
  found.push(
    diagnosis(
      'unknown_ca',
      `The certificate of ${host}:${port} is signed by “${signer}”, whom nobody here knows (${shake.reason}).`,
      'Let the sender trust that authority’s certificate; this line writes what the peer shows into ca.pem.',
      trustLines(host, port),
    ),
  )
  return false
}

/** Of an address with http: that its port speaks TLS, where it does. */
export async function plainToTls({ url, protocol, endpointFrom }: Target): Promise<Diagnosis | undefined> {
  if (url.protocol !== 'http:') return undefined
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const { error, isTrusted } = await handshake(host, host, Number(url.port || 80), undefined)
  if (error) return undefined
  const right = withOrigin(url, url.origin.replace('http:', 'https:'), endpointFrom, protocol)
  return diagnosis(
    'plain_to_tls_port',
    `${url.host} speaks TLS, and the address says http.`,
    isTrusted
      ? 'Write https://.'
      : 'Write https://, and let the sender trust who has signed the certificate; the last line writes what the peer shows into ca.pem.',
    [
      env(endpointFrom ?? endpointVariable(protocol), right),
      ...(isTrusted ? [] : trustLines(host, Number(url.port || 80))),
    ],
  )
}

function trustLines(host: string, port: number): Diagnosis['lines'] {
  return [
    env('OTEL_EXPORTER_OTLP_CERTIFICATE', 'ca.pem'),
    env('NODE_EXTRA_CA_CERTS', 'ca.pem'),
    shell(`openssl s_client -connect ${host}:${port} -showcerts </dev/null | sed -n '/BEGIN/,/END/p' > ca.pem`),
  ]
}

function textOf(value: string | string[] | undefined): string {
  return typeof value === 'string' ? value : (value?.join(' ') ?? '')
}

async function handshake(address: string, host: string, port: number, ca: Buffer | undefined): Promise<Handshake> {
  return new Promise((resolve) => {
    const socket = connectTls({
      host: address,
      port,
      ...(isIP(host) ? {} : { servername: host }),
      ...(ca && { ca }),
      rejectUnauthorized: false,
      // By the last of these a receiver of Spoor knows that nobody meant to send anything.
      ALPNProtocols: ['h2', 'http/1.1', DOCTOR_ALPN],
    })
    const end = (result: Handshake): void => {
      socket.destroy()
      resolve(result)
    }
    const failed = (error: NodeJS.ErrnoException): void => end({ error, isTrusted: false, reason: '', chain: [] })
    socket.setTimeout(TIMEOUT_MS, () => failed(new Error('no answer')))
    socket.once('error', failed)
    socket.once('secureConnect', () => {
      const chain: PeerCertificate[] = []
      for (let one = socket.getPeerCertificate(true); one?.subject && chain.length < 10; one = one.issuerCertificate) {
        if (chain.includes(one)) break
        chain.push(one)
      }
      // A code as text, whatever its type says.
      const { authorizationError } = socket as { authorizationError?: Error | string | null }
      const reason = typeof authorizationError === 'string' ? authorizationError : (authorizationError?.message ?? '')
      end({
        error: undefined,
        isTrusted: socket.authorized,
        reason,
        chain,
      })
    })
  })
}

/** `no_proxy` is a list of names, their ends, or `*`. */
function checkProxies(environment: Environment, url: URL, protocol: Protocol, found: Diagnosis[]): void {
  const names =
    protocol === 'grpc'
      ? ['grpc_proxy', 'https_proxy', 'http_proxy']
      : url.protocol === 'https:'
        ? ['https_proxy', 'HTTPS_PROXY']
        : ['http_proxy', 'HTTP_PROXY']
  const proxy = find(environment, ...names, 'all_proxy', 'ALL_PROXY')
  if (!proxy) return
  const without = find(environment, 'no_grpc_proxy', 'no_proxy', 'NO_PROXY')
  const host = url.hostname
  const isLeftOut = without?.value.split(',').some((one) => {
    const name = one
      .trim()
      .replace(/^\*?\./, '')
      .replace(/:\d+$/, '')
    return name === '*' || (name !== '' && (host === name || host.endsWith(`.${name}`)))
  })
  if (isLeftOut) return
  const list = [without?.value, host].filter(Boolean).join(',')
  found.push(
    diagnosis(
      'proxy',
      `${proxy.name}=${proxy.value}: ${protocol === 'grpc' ? 'gRPC goes through that proxy, and few let HTTP/2 through' : 'SDKs that heed it send through that proxy'}.`,
      `Leave ${host} out of it.`,
      [env(without?.name ?? 'no_proxy', list)],
      protocol === 'grpc' ? 'error' : 'warning',
    ),
  )
}
