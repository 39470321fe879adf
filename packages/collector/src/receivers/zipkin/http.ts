/** The paths of Zipkin's collector. What is taken is answered with 202, as Zipkin does, and only when the pipelines have taken it. */
import { setImmediate } from 'node:timers/promises'
import { encodeTraces, joinBytes, type TracesData } from '@spoor/otlp'
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
import type { ZipkinSpan } from '../../zipkin-helper/index.ts'
import type { ZipkinReceiverConfig } from './config.ts'
import { toOtlp } from './to-otlp.ts'
import { v1SpansFromJson } from './v1-json.ts'
import { v1SpansFromThrift } from './v1-thrift.ts'
import { v1ToOtlp, type V1Span } from './v1-to-otlp.ts'
import { spansFromJson } from './v2-json.ts'
import { spansFromProto } from './v2-proto.ts'

/** Spans that are converted in one turn of the event loop, some milliseconds of work. */
const PART_SPANS = 256

/** Gives requests of {@link PART_SPANS} at most, each when it is asked for. Throws CollectorError `invalid_data`. */
type Read = (body: Uint8Array) => Iterable<TracesData>

export function zipkinService(
  { limit, includeMetadata }: PortRules,
  { compression_algorithms: codings, parse_string_tags: parses }: ZipkinReceiverConfig,
): (intake: Intake) => HttpService {
  const v2 = (spans: readonly ZipkinSpan[]): TracesData => toOtlp(spans, parses)
  const v1 = (spans: readonly V1Span[]): TracesData => v1ToOtlp(spans, BigInt(Date.now()) * 1_000_000n)
  return (intake) => {
    const options = { intake, limit, includeMetadata, codings, keepsCompressed: false }
    const handlers = new Map([
      [
        '/api/v2/spans',
        handler(options, (body) => inParts(spansFromJson(body), v2), {
          'application/x-protobuf': (body) => inParts(spansFromProto(body), v2),
        }),
      ],
      [
        '/api/v1/spans',
        handler(options, (body) => inParts(v1SpansFromJson(body, parses), v1), {
          'application/x-thrift': (body) => inParts(v1SpansFromThrift(body), v1),
        }),
      ],
    ])
    return { handlers, unused: new Map() }
  }
}

function* inParts<S>(spans: Iterable<S>, convert: (spans: readonly S[]) => TracesData): Generator<TracesData> {
  let part: S[] = []
  for (const span of spans) {
    part.push(span)
    if (part.length < PART_SPANS) continue
    yield convert(part)
    part = []
  }
  if (part.length > 0) yield convert(part)
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
      const parts: Uint8Array[] = []
      let items = 0
      for (const data of read(body)) {
        if (parts.length > 0) await setImmediate()
        if (call.left) throw new CollectorError('unavailable', 'the client left before its message was handed on')
        parts.push(encodeTraces(data))
        items += spansIn(data)
      }
      bytes = parts.length === 1 ? parts[0]! : joinBytes(parts)
      settle(call, bytes.length - body.length)
      call.sender.arrived('traces', bytes)
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

function spansIn({ resourceSpans }: TracesData): number {
  let spans = 0
  for (const { scopeSpans } of resourceSpans) for (const scope of scopeSpans) spans += scope.spans.length
  return spans
}

/** The lease is for what is handed on. */
function settle({ lease, budget }: Call, more: number): void {
  if (more > 0 && !lease.grow(more)) throw budget.refusal(lease.bytes + more)
  if (more < 0) lease.shrink(Math.min(lease.bytes, -more))
  lease.move('pipeline')
}
