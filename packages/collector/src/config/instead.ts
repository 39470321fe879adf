/** What to write in place of components that the OpenTelemetry Collector has, or had, and that people know from its tutorials. */
import type { Kind } from '../component/index.ts'

const OVER_OTLP = 'write otlp, and let the senders speak OTLP, as all OpenTelemetry SDKs do'

const INSTEAD: Partial<Record<Kind, Readonly<Record<string, string>>>> = {
  receiver: {
    jaeger: OVER_OTLP,
    zipkin: OVER_OTLP,
    opencensus: OVER_OTLP,
  },
  processor: {
    resourcedetection: 'write resource with the attributes, or OTEL_RESOURCE_ATTRIBUTES where the spans are made',
    resource_detection: 'write resource with the attributes, or OTEL_RESOURCE_ATTRIBUTES where the spans are made',
  },
  exporter: {
    logging: 'it is named debug now, and its loglevel is verbosity (basic, normal, detailed)',
    jaeger: 'Jaeger takes OTLP: write otlp_grpc with its port 4317',
    jaeger_thrift: 'Jaeger takes OTLP: write otlp_http with its port 4318',
    zipkin: 'write otlp_http; Spoor keeps the traces itself',
  },
  extension: {
    memory_ballast: 'remove it; memory_limiter bounds the memory',
    healthcheckv2: 'write health_check with use_v2: true',
    health_check_v2: 'write health_check with use_v2: true',
  },
}

/** `; write debug …`, or undefined where nothing is known to stand in its place. */
export function instead(kind: Kind, type: string): string | undefined {
  const way = Object.entries(INSTEAD[kind] ?? {}).find(([name]) => name === type)?.[1]
  return way === undefined ? undefined : `; ${way}`
}
