/** A trace of one span, sent with the very settings of the sender, and what came of it. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { gzipSync } from 'node:zlib'
import { bytesToHex, decodeExportResponse, emptySpan, encodeTraces, tracesToJson } from '@spoor/otlp'
import { version } from '../version.ts'
import { withoutPassword } from './diagnosis.ts'
import { PROBE_SERVICE } from './hidden-probes.ts'
import type { Protocol, Target } from './settings.ts'

export const USER_AGENT = `spoor-doctor/${version}`
const TIMEOUT_MS = 5_000
const MAX_ANSWER_BYTES = 64 * 1024

export interface Probe {
  readonly traceId: string
  readonly message: Uint8Array
}

export interface ProbeResult {
  readonly protocol: Protocol
  readonly url: string
  readonly ok: boolean
  /** Of HTTP; 0 where there was no answer. */
  readonly status: number
  /** Of gRPC. */
  readonly grpcStatus?: number
  readonly contentType: string
  /** The peer's words, or those of the failure. */
  readonly text: string
  /** Where it says that it has moved to. */
  readonly location?: string
  /** The peer's clock less this one's, as its answer says it; to a second. Milliseconds. */
  readonly clockMs?: number
}

export function createProbe(): Probe {
  const traceId = bytesToHex(randomBytes(16), 0, 16)
  const startTimeUnixNano = BigInt(Date.now()) * 1_000_000n
  const text = (key: string, value: string) => ({ key, value: { type: 'string' as const, value } })
  const span = {
    ...emptySpan(),
    traceId,
    spanId: bytesToHex(randomBytes(8), 0, 8),
    // Sampled.
    flags: 1,
    name: 'probe',
    kind: 1,
    startTimeUnixNano,
    endTimeUnixNano: startTimeUnixNano + 1_000_000n,
  }
  const scope = { name: PROBE_SERVICE, version, attributes: [], droppedAttributesCount: 0 }
  const resource = { attributes: [text('service.name', PROBE_SERVICE)], droppedAttributesCount: 0 }
  const message = encodeTraces({
    resourceSpans: [{ resource, schemaUrl: '', scopeSpans: [{ scope, schemaUrl: '', spans: [span] }] }],
  })
  return { traceId, message }
}

/** Resolves in any case. */
export async function sendProbe({ message }: Probe, target: Target): Promise<ProbeResult> {
  const { protocol, url } = target
  const none = { protocol, url: withoutPassword(url.href), ok: false, status: 0, contentType: '' }
  try {
    return await (protocol === 'grpc' ? sendGrpc(message, target) : sendHttp(message, target))
  } catch (error) {
    const { code, message: text } = error as NodeJS.ErrnoException
    return { ...none, text: code !== undefined && !text.includes(code) ? `${code}: ${text}` : text }
  }
}

function tlsOf({ certificate }: Target): { readonly ca?: Buffer } {
  return certificate === undefined ? {} : { ca: readFileSync(certificate) }
}

async function sendHttp(message: Uint8Array, target: Target): Promise<ProbeResult> {
  const { url, protocol, headers, compression } = target
  const isJson = protocol === 'http/json'
  const plain = isJson ? Buffer.from(tracesToJson(message)) : Buffer.from(message)
  const body = compression === 'gzip' ? gzipSync(plain) : plain
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? https : http).request(
      url,
      {
        method: 'POST',
        agent: false,
        timeout: TIMEOUT_MS,
        ...tlsOf(target),
        headers: {
          'content-type': isJson ? 'application/json' : 'application/x-protobuf',
          'content-length': body.length,
          'user-agent': USER_AGENT,
          ...(compression === 'gzip' && { 'content-encoding': 'gzip' }),
          ...headers,
        },
      },
      (response) => {
        const parts: Buffer[] = []
        let length = 0
        response.on('data', (part: Buffer) => {
          length += part.length
          if (length <= MAX_ANSWER_BYTES) parts.push(part)
        })
        response.once('error', reject)
        response.once('end', () => {
          const { statusCode: status = 0 } = response
          const contentType = response.headers['content-type'] ?? ''
          const answer = Buffer.concat(parts)
          const isOtlp =
            contentType === '' ? answer.length === 0 : /^application\/(?:x-protobuf|json|grpc)/.test(contentType)
          const refused = status === 200 && isOtlp ? partlyRefused(answer, contentType) : ''
          resolve({
            protocol,
            url: withoutPassword(url.href),
            ok: status >= 200 && status < 300 && isOtlp && refused === '',
            status,
            contentType,
            text: refused || wordsOf(answer),
            ...(response.headers.location !== undefined && { location: response.headers.location }),
            ...clockOf(response.headers.date),
          })
        })
      },
    )
    request.once('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)))
    request.once('error', reject)
    request.end(body)
  })
}

/** What an answer that is good says of spans that were not taken. */
function partlyRefused(answer: Buffer, contentType: string): string {
  if (answer.length === 0) return ''
  try {
    if (contentType.startsWith('application/json')) {
      const { partialSuccess } = JSON.parse(answer.toString()) as {
        partialSuccess?: { rejectedSpans?: unknown; errorMessage?: string }
      }
      return Number(partialSuccess?.rejectedSpans ?? 0) > 0 ? `not taken: ${partialSuccess?.errorMessage ?? ''}` : ''
    }
    const { rejected, message } = decodeExportResponse(answer)
    return rejected > 0 ? `not taken: ${message}` : ''
  } catch {
    return `the answer is none of OTLP (${answer.length} bytes of ${contentType})`
  }
}

/** Words in what may be a serialized status. */
function wordsOf(answer: Buffer): string {
  const runs = answer.toString().match(/[^\p{C}\uFFFD]{6,}/gu) ?? []
  return runs
    .reduce((longest, run) => (run.length > longest.length ? run : longest), '')
    .trim()
    .slice(0, 300)
}

function clockOf(date: string | undefined): { readonly clockMs?: number } {
  const at = date === undefined ? Number.NaN : Date.parse(date)
  // It is cut to the second.
  return Number.isNaN(at) ? {} : { clockMs: at + 500 - Date.now() }
}

async function sendGrpc(message: Uint8Array, target: Target): Promise<ProbeResult> {
  const { url, headers, compression } = target
  const payload = compression === 'gzip' ? gzipSync(message) : Buffer.from(message)
  const prefix = Buffer.alloc(5)
  prefix[0] = compression === 'gzip' ? 1 : 0
  prefix.writeUInt32BE(payload.length, 1)
  return new Promise((resolve, reject) => {
    const session = http2.connect(url.origin, tlsOf(target))
    const timer = setTimeout(() => session.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS)
    const end = (): void => {
      clearTimeout(timer)
      session.destroy()
    }
    session.once('error', (error) => {
      end()
      reject(error)
    })
    const stream = session.request({
      ':method': 'POST',
      ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
      'content-type': 'application/grpc',
      'user-agent': USER_AGENT,
      te: 'trailers',
      ...(compression === 'gzip' && { 'grpc-encoding': 'gzip' }),
      ...headers,
    })
    let fields: http2.IncomingHttpHeaders = {}
    const note = (more: http2.IncomingHttpHeaders): void => void (fields = { ...fields, ...more })
    stream.on('response', note)
    stream.on('trailers', note)
    stream.once('error', (error) => {
      end()
      reject(error)
    })
    stream.once('close', () => {
      end()
      const status = Number(fields[':status'] ?? 0)
      const code = fields['grpc-status'] === undefined ? undefined : Number(fields['grpc-status'])
      if (status === 0) return reject(new Error('the connection was closed without an answer'))
      const words = fields['grpc-message']
      resolve({
        protocol: 'grpc',
        url: withoutPassword(url.href),
        ok: code === 0,
        status,
        ...(code !== undefined && { grpcStatus: code }),
        contentType: fields['content-type'] ?? '',
        text: typeof words === 'string' ? unescaped(words) : '',
        ...clockOf(fields.date),
      })
    })
    stream.resume()
    stream.end(Buffer.concat([prefix, payload]))
  })
}

/** Percent-encoded, as gRPC sends messages. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
