/** The paths of Zipkin's collector. What is taken is answered with 202, as Zipkin does, and only when the pipelines have taken it. */
import type { TracesData } from '@spoor/otlp'
import {
  inParts,
  translatedHandler,
  type BodyOptions,
  type HttpHandler,
  type HttpService,
  type Intake,
  type PortRules,
  type Translate,
} from '../../receiver-helper/index.ts'
import type { ZipkinSpan } from '../../zipkin-helper/index.ts'
import type { ZipkinReceiverConfig } from './config.ts'
import { toOtlp } from './to-otlp.ts'
import { v1SpansFromJson } from './v1-json.ts'
import { v1SpansFromThrift } from './v1-thrift.ts'
import { v1ToOtlp, type V1Span } from './v1-to-otlp.ts'
import { spansFromJson } from './v2-json.ts'
import { spansFromProto } from './v2-proto.ts'

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

/** `otherwise`: what reads the bodies of a content type that has no reader of its own. */
function handler(
  options: BodyOptions,
  otherwise: Translate,
  readers: Readonly<Record<string, Translate>>,
): HttpHandler {
  return translatedHandler(options, (type) => readers[type] ?? otherwise)
}
