/** What is meant by a path, or a method of gRPC, that is none here. */
import type { Explanation, Happening } from './happening.ts'
import { addressOf, env, shown, TRACES_ENDPOINT } from './line.ts'

/** A signal's path behind another one. */
const DOUBLED = /\/v1\/(?:traces|metrics|logs)\/v1\/(traces|metrics|logs)\/?$/
const ZIPKIN = /^\/api\/v[12]\/spans\/?$/
const JAEGER = /^\/api\/traces\/?$|^\/jaeger\.api_v[23]\./
const GRPC = /^\/[\w.]+\/\w+$/

export function explainPath(happening: Happening): Explanation {
  const { facts, key, traits, page, reason } = happening
  const { path = '', method = 'POST' } = facts
  const base = `${traits.hasTls ? 'https' : 'http'}://${addressOf(facts, key.port)}`
  const tracesUrl = env(TRACES_ENDPOINT, `${base}${traits.tracesPath ?? '/v1/traces'}`)
  const baseUrl = env('OTEL_EXPORTER_OTLP_ENDPOINT', base)
  const doubled = DOUBLED.exec(path)?.[1]
  if (doubled !== undefined)
    return {
      code: 'doubled_path',
      severity: doubled === 'traces' ? 'error' : 'warning',
      what: `Requests come to ${shown(path)}: the path of a signal is in OTEL_EXPORTER_OTLP_ENDPOINT, to which the SDK adds it.`,
      mend: 'Leave the path out of that variable; or give the whole address in the variable of the signal, which is used as it is.',
      lines: doubled === 'traces' ? [tracesUrl, baseUrl] : [baseUrl],
    }
  if (ZIPKIN.test(path))
    return {
      code: 'zipkin',
      severity: 'error',
      what: 'Spans come in Zipkin’s format to a port of OTLP.',
      mend: 'Let the sender export OTLP; or give a collector a receiver for Zipkin, and send to its port.',
      lines: [
        env('OTEL_TRACES_EXPORTER', 'otlp'),
        { kind: 'yaml', text: 'receivers: { zipkin: { endpoint: 127.0.0.1:9411 } }' },
      ],
    }
  if (JAEGER.test(path))
    return {
      code: 'jaeger',
      severity: 'error',
      what: 'Spans come in Jaeger’s format to a port of OTLP.',
      mend: 'Let the sender export OTLP, which Jaeger’s own clients have given way to; or give a collector a receiver for Jaeger, and send to its ports.',
      lines: [
        env('OTEL_TRACES_EXPORTER', 'otlp'),
        { kind: 'yaml', text: 'receivers: { jaeger: { protocols: { grpc: {}, thrift_http: {} } } }' },
      ],
    }
  if (method !== 'POST')
    return {
      code: 'not_for_looking',
      severity: 'info',
      what: `${shown(method)} ${shown(path)} came to ${key.port || 'a port'} of OTLP, which takes spans and shows nothing.`,
      mend: page === undefined ? 'What is stored is on another port.' : `What is stored is shown on ${page}.`,
      lines: [],
    }
  if (key.transport === 'grpc' && GRPC.test(path))
    return {
      code: 'unknown_method',
      severity: 'error',
      what: `The method ${shown(path)} of gRPC is none of OTLP.`,
      mend: 'Let the sender export OTLP: opentelemetry.proto.collector.trace.v1.TraceService/Export.',
      lines: [env('OTEL_TRACES_EXPORTER', 'otlp'), env('OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc')],
    }
  const isBare = path === '' || path === '/'
  return {
    code: isBare ? 'missing_path' : reason === 'not_found' ? 'wrong_path' : reason,
    severity: 'error',
    what: isBare
      ? `Requests come to / and not to ${traits.tracesPath ?? '/v1/traces'}: an address in ${TRACES_ENDPOINT}, or in code, is used as it is.`
      : `Requests come to ${shown(path)}, where nothing is.`,
    mend: 'Give the whole address with its path.',
    lines: [tracesUrl],
  }
}
