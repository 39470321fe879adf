/** The paths of Zipkin's collector. What is taken is answered with 202, as Zipkin does, and only when the pipelines have taken it. */
import { encodeTraces, type TracesData } from '@spoor/otlp'
import { CollectorError, freeBody } from '../../component/index.ts'
import {
  refusalStatus,
  respond,
  takeBody,
  type BodyOptions,
  type Call,
  type HttpHandler,
  type HttpService,
  type Intake,
  type PortRules,
} from '../../receiver-helper/index.ts'
import type { ZipkinReceiverConfig } from './config.ts'
import { toOtlp } from './to-otlp.ts'
import { v1SpansFromJson } from './v1-json.ts'
import { v1SpansFromThrift } from './v1-thrift.ts'
import { v1ToOtlp } from './v1-to-otlp.ts'
import { spansFromJson } from './v2-json.ts'
import { spansFromProto } from './v2-proto.ts'

/** Throws CollectorError `invalid_data`. */
type Read = (body: Uint8Array) => TracesData

export function zipkinService(
  { limit, includeMetadata }: PortRules,
  { compression_algorithms: codings, parse_string_tags: parses }: ZipkinReceiverConfig,
): (intake: Intake) => HttpService {
  return (intake) => {
    const options = { intake, limit, includeMetadata, codings, keepsCompressed: false }
    const nowNs = (): bigint => BigInt(Date.now()) * 1_000_000n
    const handlers = new Map([
      [
        '/api/v2/spans',
        handler(options, (body) => toOtlp(spansFromJson(body), parses), {
          'application/x-protobuf': (body) => toOtlp(spansFromProto(body), parses),
        }),
      ],
      [
        '/api/v1/spans',
        handler(options, (body) => v1ToOtlp(v1SpansFromJson(body, parses), nowNs()), {
          'application/x-thrift': (body) => v1ToOtlp(v1SpansFromThrift(body), nowNs()),
        }),
      ],
    ])
    return { handlers, unused: new Map() }
  }
}

/** `otherwise`: what reads the bodies of a content type that has no reader of its own. */
function handler(options: BodyOptions, otherwise: Read, readers: Readonly<Record<string, Read>>): HttpHandler {
  const { intake } = options
  return (exchange) => {
    const { request, response, sender } = exchange
    const type = request.headers['content-type']?.split(';')[0]!.trim().toLowerCase() ?? ''
    const read = readers[type] ?? otherwise
    takeBody(
      exchange,
      options,
      (body, call) => take(intake, read, body.bytes, call),
      () => respond(response, 202, 'text/plain; charset=utf-8', new Uint8Array()),
      (thrown) => {
        request.resume()
        const error = intake.refuse(thrown, sender)
        const status = refusalStatus(response, error)
        respond(response, status, 'text/plain; charset=utf-8', Buffer.from(`${status} ${error.message}\n`))
      },
    )
  }
}

/** Resolves when the pipelines have taken it. The call's lease must be for the body. */
async function take(intake: Intake, read: Read, body: Uint8Array, call: Call): Promise<void> {
  let bytes: Uint8Array | undefined
  let isKept = false
  try {
    intake.begin()
    try {
      const data = read(body)
      bytes = encodeTraces(data)
      if (call.left) throw new CollectorError('unavailable', 'the client left before its message was handed on')
      settle(call, bytes.length - body.length)
      call.sender.arrived('traces', bytes)
      const items = data.resourceSpans.reduce(
        (sum, { scopeSpans }) => sum + scopeSpans.reduce((own, { spans }) => own + spans.length, 0),
        0,
      )
      if (items > 0) {
        isKept = intake.consumer('traces')?.releases !== true
        await intake.hand('traces', { bytes, items }, call)
      }
      intake.succeed(items, call.sender)
    } finally {
      intake.end()
    }
  } finally {
    freeBody(body)
    if (bytes && !isKept) freeBody(bytes)
    call.lease.release()
  }
}

/** The lease is for what is handed on. */
function settle({ lease, budget }: Call, more: number): void {
  if (more > 0 && !lease.grow(more)) throw budget.refusal(lease.bytes + more)
  if (more < 0) lease.shrink(Math.min(lease.bytes, -more))
  lease.move('pipeline')
}
