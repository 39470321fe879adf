import { createRequire } from 'node:module'
import type * as Grpc from '@grpc/grpc-js'
import type * as GrpcExporter from '@opentelemetry/exporter-trace-otlp-grpc'
import type * as JsonExporter from '@opentelemetry/exporter-trace-otlp-http'
import type * as ProtobufExporter from '@opentelemetry/exporter-trace-otlp-proto'
import type * as Transformer from '@opentelemetry/otlp-transformer'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import type { ExporterSettings } from './settings.ts'

// Only the exporter that is used is loaded, and at once: each costs 30 to 80 ms of start time, the gRPC one most.
const require = createRequire(import.meta.url)

/** The SDK declares an enum here, whose values are these words. */
type Compression = NonNullable<
  NonNullable<ConstructorParameters<typeof ProtobufExporter.OTLPTraceExporter>[0]>['compression']
>

/**
 * The SDK's own OTLP exporter for these settings. Certificates come from `OTEL_EXPORTER_OTLP_[TRACES_]CERTIFICATE`,
 * `_CLIENT_CERTIFICATE` and `_CLIENT_KEY`, which the exporter reads by itself.
 */
export function createOtlpExporter(settings: ExporterSettings): SpanExporter {
  const { url, headers, timeoutMs } = settings
  const config = { url, timeoutMillis: timeoutMs, compression: settings.compression as Compression }
  switch (settings.protocol) {
    case 'http/protobuf': {
      const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto') as typeof ProtobufExporter
      return new OTLPTraceExporter({ ...config, headers })
    }
    case 'http/json': {
      const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http') as typeof JsonExporter
      return new OTLPTraceExporter({ ...config, headers })
    }
    default: {
      const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-grpc') as typeof GrpcExporter
      const { Metadata } = require('@grpc/grpc-js') as typeof Grpc
      return new OTLPTraceExporter({ ...config, metadata: Metadata.fromHttp2Headers(headers) })
    }
  }
}

/** The body of an export request, as the exporter of this protocol makes it. */
export function serializeSpans(spans: ReadableSpan[], protocol: ExporterSettings['protocol']): Uint8Array {
  const { JsonTraceSerializer, ProtobufTraceSerializer } =
    require('@opentelemetry/otlp-transformer') as typeof Transformer
  const serializer = protocol === 'http/json' ? JsonTraceSerializer : ProtobufTraceSerializer
  return serializer.serializeRequest(spans) ?? new Uint8Array(0)
}
