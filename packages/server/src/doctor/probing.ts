/** Sends the probe with the very settings, and where that fails otherwise, to say what would be taken. */
import { type Diagnosis, diagnosis, env } from './diagnosis.ts'
import { plainToTls, withOrigin } from './network.ts'
import { createProbe, type Probe, type ProbeResult, sendProbe } from './probe.ts'
import type { Protocol, Target } from './settings.ts'

export interface Probing {
  /** The one that was taken; undefined where none was. */
  readonly probe: Probe | undefined
  readonly results: readonly ProbeResult[]
  readonly diagnoses: readonly Diagnosis[]
}

const UNAUTHENTICATED = 16
const PERMISSION_DENIED = 7
const RESOURCE_EXHAUSTED = 8

export async function probe(target: Target): Promise<Probing> {
  const first = createProbe()
  const result = await sendProbe(first, target)
  if (result.ok) return { probe: first, results: [result], diagnoses: [] }
  const results = [result]
  const tls = result.status === 0 ? await plainToTls(target) : undefined
  if (tls) return { probe: undefined, results, diagnoses: [tls] }
  const found: Diagnosis[] = []
  const others = alternatives(target, result)
  for (const other of others) {
    const again = createProbe()
    const taken = await sendProbe(again, other.target)
    results.push(taken)
    if (!taken.ok) continue
    found.push(diagnosis(other.code, `${described(result)}. ${other.what}`, 'Set it so.', other.lines))
    return { probe: again, results, diagnoses: found }
  }
  return { probe: undefined, results, diagnoses: [refusal(target, result)] }
}

interface Alternative {
  readonly code: string
  readonly what: string
  readonly target: Target
  readonly lines: Diagnosis['lines']
}

/** What is worth another attempt: one change each. */
function alternatives(target: Target, { status, grpcStatus, location }: ProbeResult): Alternative[] {
  const { url, protocol, compression } = target
  if (status === 401 || status === 403 || grpcStatus === UNAUTHENTICATED || grpcStatus === PERMISSION_DENIED) return []
  const found: Alternative[] = []
  const moved = status >= 300 && status < 400 && location !== undefined && URL.canParse(location, url.href)
  if (moved) {
    const there = new URL(location, url)
    found.push({
      code: 'moved',
      what: `It says that it has moved to ${there.href}, and exporters do not follow; there it is taken.`,
      target: { ...target, url: there },
      lines: [env('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', there.href)],
    })
  }
  if (compression === 'gzip')
    found.push({
      code: 'gzip_refused',
      what: 'Without compression it is taken.',
      target: { ...target, compression: 'none' },
      lines: [env('OTEL_EXPORTER_OTLP_COMPRESSION', 'none')],
    })
  const traces = new URL('/v1/traces', url)
  if (protocol !== 'grpc' && url.pathname !== '/v1/traces')
    found.push({
      code: 'wrong_path',
      what: `At ${traces.href} it is taken.`,
      target: { ...target, url: traces },
      lines: [env('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', traces.href)],
    })
  const other: Protocol = protocol === 'grpc' ? 'http/protobuf' : 'grpc'
  const otherUrl = other === 'grpc' ? new URL(url.origin) : traces
  found.push({
    code: 'other_protocol',
    what: `With ${other} it is taken.`,
    target: { ...target, protocol: other, url: otherUrl },
    lines: [
      env('OTEL_EXPORTER_OTLP_PROTOCOL', other),
      env('OTEL_EXPORTER_OTLP_ENDPOINT', withOrigin(otherUrl, url.origin, undefined, 'grpc')),
    ],
  })
  if (protocol === 'http/json')
    found.push({
      code: 'no_json',
      what: 'As protobuf it is taken.',
      target: { ...target, protocol: 'http/protobuf' },
      lines: [env('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/protobuf')],
    })
  return found
}

function described({ url, protocol, status, grpcStatus, text, contentType }: ProbeResult): string {
  const answer =
    status === 0
      ? text
      : grpcStatus !== undefined
        ? `gRPC status ${grpcStatus}${text && `: ${text}`}`
        : `HTTP ${status}${contentType && ` (${contentType.split(';')[0]})`}${text && `: ${text}`}`
  return `${url} does not take the probe (${protocol}): ${answer}`
}

/** Why no attempt was taken, by the first. */
function refusal({ headers, url }: Target, result: ProbeResult): Diagnosis {
  const what = `${described(result)}.`
  const { status, grpcStatus, contentType } = result
  if (status === 401 || grpcStatus === UNAUTHENTICATED || status === 403 || grpcStatus === PERMISSION_DENIED) {
    const sent = headers['authorization']
    return diagnosis(
      sent === undefined ? 'no_credentials' : 'bad_credentials',
      what,
      sent === undefined
        ? 'It asks who it is: set the header.'
        : 'The header authorization that was sent is not let in: compare it with what the receiver has.',
      [env('OTEL_EXPORTER_OTLP_HEADERS', 'authorization=Bearer%20TOKEN')],
    )
  }
  if (status === 200 && grpcStatus === undefined)
    return diagnosis(
      'not_otlp',
      `Something else than a receiver of OTLP answers on ${url.host}: ${contentType.split(';')[0] || 'no content type'}.`,
      'Write the address of a receiver; Spoor’s are 4317 and 4318.',
      [env('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:4318')],
    )
  if (status >= 300 && status < 400)
    return diagnosis(
      'moved',
      `${described(result)}; exporters do not follow to ${result.location ?? 'where it says'}.`,
      'Write the address to which it leads.',
      result.location !== undefined && URL.canParse(result.location, url.href)
        ? [env('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', new URL(result.location, url).href)]
        : [],
    )
  if (status === 502 || status === 504)
    return diagnosis(
      'proxy_without_receiver',
      what,
      'A proxy answers there, and does not reach the receiver behind it: see where it leads; Spoor’s ports are 4317 and 4318.',
      [env('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:4318')],
    )
  if (status === 404 || status === 405)
    return diagnosis('not_found', what, 'Is it the port of OTLP? Spoor’s are 4317 and 4318.', [
      env('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:4318'),
    ])
  if (status === 413 || grpcStatus === RESOURCE_EXHAUSTED)
    return diagnosis('too_much', what, 'The receiver takes no more now, or only smaller requests.', [
      env('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '64'),
    ])
  if (status === 429 || status === 503 || grpcStatus === 14)
    return diagnosis('not_now', what, 'The receiver is there and takes nothing now: see its log and status.')
  return diagnosis('refused', what, 'The words are those of the receiver; its log says more.')
}
