/**
 * OTLP/HTTP on bare node:http: protobuf and JSON, with the status codes of the specification and of the OpenTelemetry
 * Collector's receiver. One deviation: a body over the limit is answered with 413, which says what is wrong, where the
 * Collector says 400; both are final for a client.
 */
import http from 'node:http'
import {
  encodeExportResponse,
  encodeStatus,
  logsFromJson,
  metricsFromJson,
  statusToJson,
  tracesFromJson,
  type Signal,
} from '@spoor/otlp'
import { CollectorError, statusOf } from '../../component/index.ts'
import { decompress, type ContentCoding } from '../../otlp-protocol/decompress.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { refuseConnection } from './bad-request.ts'
import { createCors } from './cors.ts'
import type { HttpConfig } from './config.ts'
import type { Intake } from './intake.ts'

type Encoding = 'application/x-protobuf' | 'application/json'

const FROM_JSON: Readonly<Record<Signal, (text: Uint8Array) => Uint8Array>> = {
  traces: tracesFromJson,
  metrics: metricsFromJson,
  logs: logsFromJson,
}
const CODINGS: Readonly<Record<string, ContentCoding | 'identity'>> = {
  '': 'identity',
  identity: 'identity',
  gzip: 'gzip',
  'x-gzip': 'gzip',
  deflate: 'deflate',
  zlib: 'deflate',
  zstd: 'zstd',
}
const SUCCESS: Readonly<Record<Encoding, Buffer>> = {
  'application/x-protobuf': Buffer.from(encodeExportResponse({})),
  'application/json': Buffer.from('{"partialSuccess":{}}'),
}
const SIZE_SETTING = 'max_request_body_size'
/**
 * How much more of a refused body is read, in body limits, so that the client gets to read the answer before the
 * connection is cut.
 */
const REFUSED_READ_FACTOR = 4

/** Serves connections that it is handed (`server.emit('connection', socket)`); it does not listen itself. */
export function createHttpServer(config: HttpConfig, intake: Intake): http.Server {
  const maxBytes = config.max_request_body_size
  const paths: Readonly<Record<Signal, string>> = {
    traces: config.traces_url_path,
    metrics: config.metrics_url_path,
    logs: config.logs_url_path,
  }
  const signals = new Map(SIGNALS.filter((signal) => intake.has(signal)).map((signal) => [paths[signal], signal]))
  const cors = createCors(config.cors)
  const server = http.createServer({ keepAliveTimeout: config.idle_timeout }, (request, response) => {
    if (cors(request, response)) return
    const signal = signals.get(pathOf(request.url ?? ''))
    if (!signal) {
      return refuseText(request, response, 404, `404 page not found; this port has ${[...signals.keys()].join(', ')}`)
    }
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST')
      return refuseText(request, response, 405, '405 method not allowed, supported: [POST]')
    }
    const encoding = encodingOf(request.headers['content-type'])
    if (!encoding) {
      return refuseText(
        request,
        response,
        415,
        '415 unsupported media type, supported: [application/json, application/x-protobuf]',
      )
    }
    const refuse = (thrown: unknown): void => {
      request.resume()
      respondError(response, encoding, intake.refuse(thrown))
    }
    try {
      intake.checkOpen()
      const coding = CODINGS[request.headers['content-encoding']?.toLowerCase() ?? '']
      if (!coding) {
        const name = request.headers['content-encoding']
        throw new CollectorError(
          'invalid_data',
          `unsupported Content-Encoding: ${name}; use gzip, zstd, deflate or none`,
        )
      }
      readBody(request, maxBytes, (error, body) => {
        if (error) refuse(error)
        else {
          exportBody(body, signal, encoding, coding, maxBytes, intake).then(
            () => respond(response, 200, encoding, SUCCESS[encoding]),
            refuse,
          )
        }
      })
    } catch (error) {
      refuse(error)
    }
  })
  // It is handed its connections, and its timeouts for slow requests begin with this event only.
  server.emit('listening')
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET') socket.destroy()
    else refuseConnection(socket, `not a valid HTTP/1.1 request (${error.code}); this port speaks OTLP/HTTP`)
  })
  return server
}

async function exportBody(
  body: Uint8Array,
  signal: Signal,
  encoding: Encoding,
  coding: ContentCoding | 'identity',
  maxBytes: number,
  intake: Intake,
): Promise<void> {
  let message = body
  let single = false
  if (coding !== 'identity') {
    const result = decompress(coding, body, maxBytes, SIZE_SETTING)
    const decompressed = result instanceof Promise ? await result : result
    message = decompressed.bytes
    single = decompressed.singleMember
  }
  if (encoding === 'application/json') return intake.take(signal, FROM_JSON[signal](message))
  return intake.take(signal, message, single ? { coding: 'gzip', bytes: body } : undefined)
}

/**
 * Reads the whole body into one buffer, of the announced length where there is one, so that each byte is copied once.
 */
function readBody(
  request: http.IncomingMessage,
  maxBytes: number,
  done: (error: CollectorError | undefined, body: Uint8Array) => void,
): void {
  const announced = request.headers['content-length']
  let body: Buffer | undefined
  const parts: Buffer[] = []
  let length = 0
  let refused = false
  const refuse = (size: string): void => {
    refused = true
    const message = `request body too large (${size} bytes, at most ${maxBytes}); send smaller batches or raise ${SIZE_SETTING}`
    done(new CollectorError('too_large', message), Buffer.alloc(0))
  }
  if (announced !== undefined && Number(announced) > maxBytes) refuse(announced)
  else if (announced !== undefined) body = Buffer.allocUnsafeSlow(Number(announced))
  request.on('data', (data: Buffer) => {
    if (!refused) {
      if (body) body.set(data, length)
      else parts.push(data)
    }
    length += data.length
    if (length <= maxBytes) return
    if (!refused) {
      parts.length = 0
      refuse(`more than ${maxBytes}`)
    } else if (length > maxBytes * REFUSED_READ_FACTOR) {
      request.socket.destroy()
    }
  })
  request.on('end', () => {
    if (!refused) done(undefined, body ?? Buffer.concat(parts))
  })
  // The client went away in the middle of its body: there is nobody to answer.
  request.on('error', () => {})
}

function pathOf(url: string): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

function encodingOf(contentType: string | undefined): Encoding | undefined {
  if (contentType === undefined) return undefined
  const parameters = contentType.indexOf(';')
  const type = (parameters < 0 ? contentType : contentType.slice(0, parameters)).trim().toLowerCase()
  return type === 'application/x-protobuf' || type === 'application/json' ? type : undefined
}

function respond(response: http.ServerResponse, status: number, contentType: string, body: Buffer): void {
  if (response.destroyed || response.headersSent) return
  response.writeHead(status, { 'content-type': contentType, 'content-length': body.length })
  response.end(body)
}

function respondError(response: http.ServerResponse, encoding: Encoding, error: CollectorError): void {
  const status = statusOf(error)
  const body = {
    code: status.grpc,
    message: error.message,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  }
  if (error.retryAfterMs !== undefined && (status.http === 429 || status.http === 503)) {
    response.setHeader('retry-after', Math.max(1, Math.ceil(error.retryAfterMs / 1000)))
  }
  respond(
    response,
    status.http,
    encoding,
    encoding === 'application/json' ? Buffer.from(statusToJson(body)) : Buffer.from(encodeStatus(body)),
  )
}

function refuseText(request: http.IncomingMessage, response: http.ServerResponse, status: number, text: string): void {
  request.resume()
  respond(response, status, 'text/plain; charset=utf-8', Buffer.from(`${text}\n`))
}
