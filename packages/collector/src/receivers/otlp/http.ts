/**
 * OTLP/HTTP: protobuf and JSON, with the status codes of the specification and of the OpenTelemetry
 * Collector's receiver. One deviation: a body over the limit is answered with 413, which says what is wrong, where the
 * Collector says 400; both are final for a client.
 */
import type { ServerResponse } from 'node:http'
import {
  encodeExportResponse,
  encodeStatus,
  exportResponseToJson,
  statusToJson,
  type ExportResponse,
  type Signal,
} from '@spoor/otlp'
import { statusOf, type CollectorError } from '../../component/index.ts'
import {
  refusalStatus,
  refuseRequest,
  respond,
  takeBody,
  type BodyOptions,
  type HttpHandler,
  type HttpService,
  type Intake,
  type PortRules,
} from '../../receiver-helper/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import type { Converter } from './conversion.ts'
import { createTakeMessage } from './intake.ts'
import type { Encoding } from '../../otlp-protocol/message.ts'

const CONTENT_TYPES: Readonly<Record<Encoding, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
}

/** Each signal at its path. */
export function httpService(
  intake: Intake,
  { limit, includeMetadata }: PortRules,
  codings: readonly string[],
  paths: Readonly<Record<Signal, string>>,
  converter: Converter,
): HttpService {
  const take = createTakeMessage(intake, converter)
  const options = { intake, limit, includeMetadata, codings }
  const bodies: Readonly<Record<Encoding, BodyOptions>> = {
    protobuf: { ...options, keepsCompressed: true },
    json: { ...options, keepsCompressed: false },
  }
  const handler =
    (signal: Signal): HttpHandler =>
    (exchange) => {
      const { request, response, sender } = exchange
      const contentType = request.headers['content-type']
      const encoding = encodingOf(contentType)
      if (!encoding) {
        const text = 'unsupported media type, supported: [application/json, application/x-protobuf]'
        return refuseRequest(exchange, intake, 415, 'unsupported_media_type', text, contentType ?? 'no content-type')
      }
      takeBody(
        exchange,
        bodies[encoding],
        (body, call) => take(signal, encoding, body, call),
        (answer) => respond(response, 200, CONTENT_TYPES[encoding], encodeAnswer(signal, encoding, answer)),
        (thrown) => {
          request.resume()
          respondError(response, encoding, intake.refuse(thrown, sender))
        },
      )
    }
  const handlers = new Map<string, HttpHandler>()
  const unused = new Map<string, string>()
  for (const signal of SIGNALS) {
    const path = paths[signal].replace(/\/$/, '')
    if (intake.consumer(signal)) handlers.set(path, handler(signal))
    else unused.set(path, `no pipeline takes ${signal} from this receiver`)
  }
  return { handlers, unused }
}

function encodingOf(contentType: string | undefined): Encoding | undefined {
  if (contentType === undefined) return undefined
  const parameters = contentType.indexOf(';')
  const type = (parameters < 0 ? contentType : contentType.slice(0, parameters)).trim().toLowerCase()
  if (type === CONTENT_TYPES.protobuf) return 'protobuf'
  return type === CONTENT_TYPES.json ? 'json' : undefined
}

function encodeAnswer(signal: Signal, encoding: Encoding, answer: Partial<ExportResponse>): Uint8Array {
  return encoding === 'json' ? Buffer.from(exportResponseToJson(signal, answer)) : encodeExportResponse(answer)
}

function respondError(response: ServerResponse, encoding: Encoding, error: CollectorError): void {
  const { message, retryAfterMs } = error
  const body = { code: statusOf(error).grpc, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
  const bytes = encoding === 'json' ? Buffer.from(statusToJson(body)) : Buffer.from(encodeStatus(body))
  respond(response, refusalStatus(response, error), CONTENT_TYPES[encoding], bytes)
}
