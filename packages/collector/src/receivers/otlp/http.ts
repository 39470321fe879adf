/**
 * OTLP/HTTP: protobuf and JSON, with the status codes of the specification and of the OpenTelemetry
 * Collector's receiver. One deviation: a body over the limit is answered with 413, which says what is wrong, where the
 * Collector says 400; both are final for a client. And one thing more: from pages that may send JSON is taken as `text/plain`, for which a browser does not ask first.
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
import { statusOf, type CollectorError, type RefusalFacts } from '../../component/index.ts'
import {
  factsOf,
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
import { SIGNALS, TURN_OFF } from '../../otlp-protocol/services.ts'
import type { Converter } from './conversion.ts'
import { createTakeMessage } from './intake.ts'
import { formOf } from '../../otlp-protocol/body-form.ts'
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
      const encoding = encodingOf(contentType) ?? (exchange.isOfAllowedOrigin ? unasked(contentType) : undefined)
      if (!encoding) {
        const text = 'unsupported media type, supported: [application/json, application/x-protobuf]'
        return refuseRequest(exchange, intake, 415, 'unsupported_media_type', text, contentType ?? 'no content-type')
      }
      let body: RefusalFacts['body']
      takeBody(
        exchange,
        bodies[encoding],
        (found, call) => {
          body = otherThan(encoding, found.bytes)
          return take(signal, encoding, found, call)
        },
        (answer) => respond(response, 200, CONTENT_TYPES[encoding], encodeAnswer(signal, encoding, answer)),
        (thrown) => {
          request.resume()
          respondError(response, encoding, intake.refuse(thrown, sender, undefined, { ...factsOf(request), body }))
        },
      )
    }
  const handlers = new Map<string, HttpHandler>()
  const unused = new Map<string, { signal: Signal; text: string }>()
  for (const signal of SIGNALS) {
    const path = paths[signal].replace(/\/$/, '')
    if (intake.consumer(signal)) handlers.set(path, handler(signal))
    else {
      const text = `no pipeline takes ${signal} from this receiver: nothing here keeps them; ${TURN_OFF[signal]}`
      unused.set(path, { signal, text })
    }
  }
  return { handlers, unused }
}

function encodingOf(contentType: string | undefined): Encoding | undefined {
  const type = typeOf(contentType)
  if (type === CONTENT_TYPES.protobuf) return 'protobuf'
  return type === CONTENT_TYPES.json ? 'json' : undefined
}

/**
 * A page that is closed has no time for the question whether it may send (Fetch, "CORS-preflight fetch"), and a browser sends `text/plain` without it. Of origins that may not
 * send it is refused as any other type: else each page of the web could write here.
 */
function unasked(contentType: string | undefined): Encoding | undefined {
  return typeOf(contentType) === 'text/plain' ? 'json' : undefined
}

function typeOf(contentType: string | undefined): string | undefined {
  return contentType?.split(';', 1)[0]!.trim().toLowerCase()
}

const [LINE_FEED, BRACE] = [0x0a, 0x7b]

/** What a body seems to be where it is not what its headers say, by its first bytes. */
function otherThan(encoding: Encoding, bytes: Uint8Array): RefusalFacts['body'] {
  // As nearly all begin, and begin rightly.
  if (bytes[0] === (encoding === 'json' ? BRACE : LINE_FEED) && bytes[1] !== 0) return undefined
  const form = formOf(bytes)
  return form === encoding ? undefined : form
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
