import { isInContainer } from './container.ts'
import { http } from './node-http.ts'
import type { SendFailure } from './otlp/sender.ts'
import type { ExporterSettings } from './settings.ts'

/** How many spans, in words. */
export function spansText(count: number): string {
  return count === 1 ? '1 span' : `${count.toLocaleString('en-US')} spans`
}

/** Seconds, minutes or milliseconds for a line of text. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${Number((ms / 1_000).toFixed(1))} s`
  return `${Math.round(ms / 60_000)} min`
}

/** `Bearer abc…, 40 characters`: enough to tell which secret it is, not enough to use it. */
export function maskSecret(value: string): string {
  const [, scheme = '', secret = ''] = /^((?:Bearer|Basic|Token|ApiKey|Digest) )?(.*)$/is.exec(value)!
  return scheme + (secret.length < 12 ? '***' : `${secret.slice(0, 3)}…, ${secret.length} characters`)
}

/** Why an export failed and what to do, in the receiver's words and ours. One line. */
export function describeFailure(failure: SendFailure, exporter: ExporterSettings): string {
  const answer = readableText(failure.words)
  if (typeof failure.code === 'string') return describeConnection(failure, exporter, answer)
  const hint =
    exporter.protocol === 'grpc' ? grpcHint(failure.code, exporter) : httpHint(failure, exporter, answer !== '')
  const name =
    exporter.protocol === 'grpc'
      ? `gRPC status ${failure.code} ${grpcNames[failure.code] ?? ''}`
      : `HTTP ${failure.code} ${http.STATUS_CODES[failure.code] ?? ''}`
  return `${name.trim()}${answer && `: ${answer}`}${hint && `; ${hint}`}`
}

function describeConnection({ code, words, contentType }: SendFailure, exporter: ExporterSettings, answer: string) {
  const { host, hostname, isTls } = targetOf(exporter)
  switch (code) {
    case 'ECONNREFUSED':
      return `ECONNREFUSED, nothing listens on ${host}${refusedHint(exporter)}`
    case 'ENOENT':
      return `ENOENT, there is no such socket: ${host}`
    case 'ENOTFOUND':
      return `ENOTFOUND, no host is named ${hostname}; names of containers are known in their network alone, this machine is localhost: set ${endpointLine(exporter)}`
    case 'EAI_AGAIN':
      return `EAI_AGAIN, no name server tells where ${hostname} is; is there a network?`
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return `${code}, ${host} cannot be reached; a firewall, or another address?`
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ERR_STREAM_PREMATURE_CLOSE':
      if (isTls) return `${code}, ${host} closed the connection; if it does not speak TLS, write http://${host}`
      return `${code}, ${host} closed the connection; is it a port for ${exporter.protocol}? if it speaks TLS, write https://${host}`
    case 'TIMEOUT':
      return words
    case 'NOT_OTLP':
      return `not OTLP: ${host} answered with ${contentType || 'something'}${answer && ` ("${answer.slice(0, 60)}")`}; something else listens there`
    case 'NOT_GRPC':
      return `not gRPC: ${host} answered ${answer || 'without a status'}; is it an OTLP/HTTP port? then use protocol http/protobuf`
    case 'CERT_HAS_EXPIRED':
      return `${code}, the certificate of ${host} has expired`
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `${code}, the certificate is not for ${hostname}: ${answer}`
    default:
  }
  const name = String(code)
  if (/SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)/.test(name)) {
    return (
      `${name}, the certificate of ${host} is not from an authority that this process trusts; ` +
      'set OTEL_EXPORTER_OTLP_CERTIFICATE=/path/to/ca.pem, or NODE_EXTRA_CA_CERTS for all that the process does'
    )
  }
  if (isTls && (name.startsWith('ERR_SSL') || name === 'EPROTO')) {
    return `${name}, ${host} does not speak TLS; write http://${host}`
  }
  if (name.startsWith('HPE_')) {
    return `${name}, ${host} does not answer with HTTP; is it a gRPC port? then use protocol grpc`
  }
  if (name.startsWith('ERR_HTTP2')) {
    return `${name}, ${host} does not speak gRPC; is it an OTLP/HTTP port? then use protocol http/protobuf`
  }
  return `${name}${answer && `: ${answer}`}`
}

function targetOf({ url }: ExporterSettings): { host: string; hostname: string; isTls: boolean } {
  if (url.startsWith('unix:')) return { host: url, hostname: url, isTls: false }
  const { protocol, hostname, port } = new URL(url)
  const isTls = protocol === 'https:'
  return { host: `${hostname}:${port || (isTls ? 443 : 80)}`, hostname, isTls }
}

/** Whether spans go to this machine itself. */
export function isLoopback(url: string): boolean {
  if (url.startsWith('unix:')) return true
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}

function refusedHint({ url }: ExporterSettings): string {
  if (!isLoopback(url)) return '; is the receiver running, and is it the right port?'
  const ways = [
    /:431[78]\b/.test(url) ? 'start Spoor with: npx spoor' : "Spoor's ports are 4318 for HTTP and 4317 for gRPC",
    isInContainer() && 'in a container localhost is the container itself, and the host is host.docker.internal',
  ]
  return ways
    .map((way) => way && `; ${way}`)
    .filter(Boolean)
    .join('')
}

/**
 * The words in an answer, which may be plain text, JSON or a serialized `google.rpc.Status`. At most 300 characters.
 * Of a page of HTML only its title.
 */
function readableText(words: string): string {
  const title = /<title>([^<]*)/i.exec(words)?.[1]
  if (title !== undefined) return title.trim().slice(0, 300)
  const message = /"message"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(words)?.[1]
  const runs = (message ?? words).match(/[^\p{C}\uFFFD]{4,}/gu) ?? []
  return runs
    .reduce((longest, run) => (run.length > longest.length ? run : longest), '')
    .trim()
    .slice(0, 300)
}

/** Where a Spoor on this machine is by default. */
function endpointLine({ protocol }: ExporterSettings): string {
  return `OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:${protocol === 'grpc' ? 4317 : 4318}`
}

function httpHint({ code, location }: SendFailure, exporter: ExporterSettings, hasWords: boolean): string {
  switch (code) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return location !== undefined && URL.canParse(location, exporter.url)
        ? `it leads elsewhere, and exporters do not follow: set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=${new URL(location, exporter.url).href}`
        : 'it leads elsewhere, and exporters do not follow'
    case 400:
      return hasWords ? '' : 'the receiver does not understand the request'
    case 401:
    case 403:
      return headersText(exporter)
    case 404:
    case 405:
      return new URL(exporter.url).pathname === '/v1/traces'
        ? `is it the port of OTLP? Spoor's is 4318: set ${endpointLine(exporter)}`
        : 'check the path, receivers expect /v1/traces'
    case 407:
      return 'a proxy is in between and wants credentials'
    case 413:
      return 'lower batch.maxExportBatchSize (OTEL_BSP_MAX_EXPORT_BATCH_SIZE)'
    case 502:
    case 504:
      return 'a proxy is in between, and does not reach the receiver behind it'
    case 415:
      return exporter.compression === 'gzip'
        ? 'the receiver may not take gzip: set OTEL_EXPORTER_OTLP_COMPRESSION=none'
        : 'the receiver does not take this protocol: try another OTEL_EXPORTER_OTLP_PROTOCOL'
    default:
      return ''
  }
}

function grpcHint(status: number, exporter: ExporterSettings): string {
  switch (status) {
    case 7:
    case 16:
      return headersText(exporter)
    case 8:
      return 'the receiver is busy, or the batch too large: lower batch.maxExportBatchSize (OTEL_BSP_MAX_EXPORT_BATCH_SIZE)'
    case 12:
      return 'is it an OTLP/gRPC port?'
    default:
      return ''
  }
}

const grpcNames: Readonly<Record<number, string>> = {
  1: 'CANCELLED',
  2: 'UNKNOWN',
  3: 'INVALID_ARGUMENT',
  4: 'DEADLINE_EXCEEDED',
  5: 'NOT_FOUND',
  7: 'PERMISSION_DENIED',
  8: 'RESOURCE_EXHAUSTED',
  12: 'UNIMPLEMENTED',
  13: 'INTERNAL',
  14: 'UNAVAILABLE',
  16: 'UNAUTHENTICATED',
}

/** What was sent to prove who this is, masked, and where it comes from. */
function headersText({ headers, headersFrom, url }: ExporterSettings): string {
  const sent = Object.entries(headers).map(([name, value]) => `${name}: ${maskSecret(value)} (${headersFrom[name]})`)
  if (sent.length > 0) return `sent was ${sent.join(', ')}`
  if (!url.startsWith('unix:') && new URL(url).username) return 'sent was the name and password of the address'
  return 'no header was sent: set OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20…"'
}
