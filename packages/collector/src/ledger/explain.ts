/**
 * What a refusal, or something that was seen in what a sender sent, means to a person: in words, with the line that mends it. What senders
 * choose is shown only where it cannot be mistaken for something else, and is in no line to be pasted but an address that has been checked.
 */
import type { MendingLine, PortTraits } from '../component/index.ts'
import { explainBody } from './explain-body.ts'
import { explainPath } from './explain-path.ts'
import type { Explanation, Happening } from './happening.ts'
import { addressOf, env, sentence, shown, TRACES_ENDPOINT } from './line.ts'

export function explain(happening: Happening): Explanation {
  return (EXPLANATIONS[happening.reason] ?? anything)(happening)
}

type Explain = (happening: Happening) => Explanation

/** What is told where nothing better is known: the refusal in its own words. */
const anything: Explain = ({ reason, detail }) => ({
  code: reason,
  severity: 'error',
  what: sentence(detail),
  mend: 'The words of the refusal say what was wrong; the sender has been told the same.',
  lines: [],
})

/** Of what a sender tries again by itself. */
const again: Explain = ({ reason, detail }) => ({
  code: reason,
  severity: 'warning',
  what: `Spans cannot be taken now: ${sentence(detail)}`,
  mend: 'Senders keep them and come again; if it lasts, see what the status says of the store and of the pipelines.',
  lines: [],
})

const SIGNALS = {
  traces: ['Spans', 'OTEL_TRACES_EXPORTER'],
  metrics: ['Metrics', 'OTEL_METRICS_EXPORTER'],
  logs: ['Logs', 'OTEL_LOGS_EXPORTER'],
} as const

const noPipeline: Explain = ({ reason, facts: { signal = 'metrics' }, isOwnConfig }) => {
  const [what, variable] = SIGNALS[signal]
  const name = what.toLowerCase()
  if (isOwnConfig)
    return {
      code: reason,
      severity: 'warning',
      what: `${what} are sent here, and Spoor keeps traces only.`,
      mend: `Turn ${name} off in the sender, or send them to something that keeps them.`,
      lines: [env(variable, 'none')],
    }
  return {
    code: reason,
    severity: signal === 'traces' ? 'error' : 'warning',
    what: `${what} are sent here, and no pipeline of this collector takes ${name} from this receiver.`,
    mend: `Turn them off in the sender; or, where an exporter of this collector is for ${name}, give it a pipeline.`,
    lines: [env(variable, 'none')],
  }
}

const mediaType: Explain = ({ reason, facts: { contentType, path } }) => {
  const type = contentType === undefined ? 'no content type' : `the content type ${shown(contentType)}`
  return {
    code: reason,
    severity: 'error',
    what: `Requests${path === undefined ? '' : ` to ${shown(path)}`} have ${type}; OTLP over HTTP is application/x-protobuf or application/json.`,
    mend: /ndjson|jsonl/.test(contentType ?? '')
      ? 'Send each line in a request of its own, as application/json; files of JSON lines are read by spoor import.'
      : 'Let the sender use one of them: an OpenTelemetry SDK by its protocol, anything else by the header content-type.',
    lines: [
      env('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/protobuf'),
      { kind: 'code', text: 'content-type: application/x-protobuf' },
    ],
  }
}

const methodNotAllowed: Explain = ({ reason, facts: { method, path } }) => ({
  code: reason,
  severity: 'info',
  what: `${shown(method ?? 'A request')} came to ${shown(path ?? 'a path')}, which takes POST.`,
  mend: 'Spans are sent with POST; where nothing but a look at the port was meant, all is well.',
  lines: [],
})

/** What a browser says of a page: nothing but scheme, name and port. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i

const preflight: Explain = ({ reason, facts: { origin = '' }, isOwnConfig, key }) => {
  const isOrigin = ORIGIN.test(origin)
  const option: MendingLine = isOwnConfig
    ? { kind: 'shell', text: `spoor --cors ${origin}` }
    : {
        kind: 'yaml',
        text: `receivers: { ${key.receiver}: { protocols: { http: { cors: { allowed_origins: ['${origin}'] } } } } }`,
      }
  return {
    code: reason,
    severity: 'error',
    what: `A browser may not send from pages of ${shown(origin)}: the preflight was refused.`,
    mend: isOrigin
      ? `Let that origin in: ${isOwnConfig ? 'start Spoor with this option beside the others' : 'in the section http of the receiver'}.`
      : 'A page without an origin of its own, as from a file, cannot be let in by name: serve it over HTTP.',
    lines: isOrigin ? [option] : [],
  }
}

const tlsToPlain: Explain = (happening) => {
  const { reason, facts, key, traits } = happening
  // It may as well be a browser that looks for the page.
  if (key.receiver === 'page')
    return {
      ...wrongPort(happening),
      code: reason,
      what: `TLS came to ${key.port || 'a port'}, where the page and its APIs are, without TLS.`,
      mend: 'Open the page with http://; where spans were meant, give the sender the port of OTLP.',
    }
  // Who wants either may be gRPC as well as HTTP: at a port of gRPC it is that.
  const isGrpc = facts.wants === 'grpc' || (facts.wants === undefined && traits.named === 'grpc')
  const address = addressOf(facts, key.port)
  const url = `http://${address}${isGrpc ? '' : (traits.tracesPath ?? '')}`
  return {
    code: reason,
    severity: 'error',
    what: `TLS came to ${key.port || 'a port'}, which speaks none: the sender has https, or an endpoint without a scheme.`,
    mend: 'Write http:// in the endpoint of the sender; or give the receiver a certificate.',
    lines:
      traits.tracesPath === undefined && !isGrpc
        ? []
        : [env(TRACES_ENDPOINT, url), env('OTEL_EXPORTER_OTLP_ENDPOINT', `http://${address}`)],
  }
}

const plainToTls: Explain = ({ reason, facts, key, traits }) => {
  const address = addressOf(facts, key.port)
  return {
    code: reason,
    severity: 'error',
    what: `Plain text came to ${key.port || 'a port'}, which speaks TLS.`,
    mend: 'Write https:// in the endpoint of the sender, and let it trust who has signed the certificate.',
    lines: [env('OTEL_EXPORTER_OTLP_ENDPOINT', `https://${address}`), ...trust(traits)],
  }
}

const handshake: Explain = ({ reason, detail, traits, key }) => {
  const isUntrusted = /unknown.ca|bad.certificate|certificate.unknown/i.test(detail)
  return {
    code: reason,
    severity: 'error',
    what: isUntrusted
      ? `A sender does not trust the certificate of ${key.port || 'the port'}, and has left: it does not know who signed it.`
      : `No TLS connection came about: ${sentence(detail)}`,
    mend: isUntrusted
      ? 'Give the sender the certificate of who signed it.'
      : 'Compare versions and certificates of both sides; where the receiver has client_ca_file, the sender needs a certificate, too.',
    lines: isUntrusted ? trust(traits) : [],
  }
}

/** A certificate that signed itself is its own authority; of another, the file has to be found. */
function trust({ certFile }: PortTraits): readonly MendingLine[] {
  const file = certFile !== undefined && /^[\w./@+-]+$/.test(certFile) ? certFile : 'ca.pem'
  return [env('OTEL_EXPORTER_OTLP_CERTIFICATE', file), env('NODE_EXTRA_CA_CERTS', file)]
}

/** Of a port of the program that is for something else. */
const wrongPort: Explain = ({ reason, facts, key, otlpHttp, otlpGrpc }) => {
  const isGrpc = facts.wants === 'grpc'
  const right = isGrpc ? otlpGrpc : otlpHttp
  const port = right?.slice(right.lastIndexOf(':')) ?? (isGrpc ? ':4317' : ':4318')
  const host = addressOf(facts, key.port).replace(/:\d+$/, '')
  const address = `http://${host}${port}`
  return {
    code: reason,
    severity: 'error',
    what: `Spans are sent to ${key.port || 'a port'}${facts.path ? ` (${shown(facts.path)})` : ''}, where ${key.receiver === 'page' ? 'the page and its APIs are' : 'queries over gRPC are answered'}; spans are taken on ${address}.`,
    mend: 'Give the sender the port of OTLP.',
    lines: [
      env(TRACES_ENDPOINT, isGrpc ? address : `${address}/v1/traces`),
      env('OTEL_EXPORTER_OTLP_ENDPOINT', address),
    ],
  }
}

const wrongProtocol: Explain = ({ reason, detail, key }) => ({
  code: reason,
  severity: 'error',
  what: `Something else than HTTP or gRPC came to ${key.port || 'a port'}: ${sentence(detail)}`,
  mend: 'Point an OTLP exporter at this port; agents of Jaeger and Zipkin need a receiver of their own.',
  lines: [env('OTEL_TRACES_EXPORTER', 'otlp')],
})

const host: Explain = ({ reason, detail, key, isOwnConfig }) => {
  const port = key.port.slice(key.port.lastIndexOf(':'))
  return {
    code: reason,
    severity: 'error',
    what: sentence(detail),
    mend: 'Send to localhost; or open the port to others, as for containers.',
    lines: [
      env('OTEL_EXPORTER_OTLP_ENDPOINT', `http://localhost${port}`),
      ...(isOwnConfig ? [{ kind: 'shell', text: 'spoor --host 0.0.0.0' } as const] : []),
    ],
  }
}

const credentials: Explain = ({ reason, facts, detail }) => {
  const scheme = facts.credentials ?? ''
  const isEscaped = scheme.includes('%')
  return {
    code: reason,
    severity: 'error',
    what:
      scheme === ''
        ? `Requests come without credentials, and this port asks for them: ${sentence(detail)}`
        : `Credentials ${scheme === '?' ? 'without a scheme, as Bearer,' : `of the form ${shown(scheme)} …`} were refused: ${sentence(detail)}`,
    mend: isEscaped
      ? 'The header came with %20 in it: this sender does not decode the variable, so write a space.'
      : 'Set the header in the sender; in the variable a space is written %20.',
    lines: [
      env('OTEL_EXPORTER_OTLP_HEADERS', isEscaped ? "'authorization=Bearer TOKEN'" : 'authorization=Bearer%20TOKEN'),
    ],
  }
}

const HTTP_PROTOBUF = env('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/protobuf')

const invalidId: Explain = ({ reason, detail }) => {
  const isBase64 = /expected (?:16|32) hex digits, got "(?:[A-Za-z0-9+/]{11}=?|[A-Za-z0-9+/]{22}(?:==)?)"/.test(detail)
  const isUuid = /got "[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}"/i.test(detail)
  return {
    code: reason,
    severity: 'error',
    what: sentence(detail),
    mend: isBase64
      ? 'The ids are base64, as JSON of protobuf has bytes; OTLP/JSON has them as hex.'
      : `A trace id is 32 hex digits, a span id 16, none of them all zero${isUuid ? '; a UUID has dashes besides' : ''}.`,
    lines: isBase64
      ? [{ kind: 'code', text: "Buffer.from(id, 'base64').toString('hex')" }, HTTP_PROTOBUF]
      : isUuid
        ? [{ kind: 'code', text: "id.replaceAll('-', '')" }]
        : [],
  }
}

const tooLarge: Explain = ({ reason, detail, key, isOwnConfig }) => {
  const isGrpc = key.transport === 'grpc'
  return {
    code: reason,
    severity: 'error',
    what: sentence(detail),
    mend: `Send smaller batches, or cut long attributes${isGrpc ? '; over HTTP messages may be larger' : ''}.`,
    lines: [
      env('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '64'),
      env('OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT', '4096'),
      ...(isGrpc && isOwnConfig ? [HTTP_PROTOBUF] : []),
    ],
  }
}

const otherProtocol: Explain = ({ reason, key, traits }) => {
  const [spoken, usual] = key.transport === 'grpc' ? ['gRPC', 'grpc'] : ['HTTP', 'http/protobuf']
  return {
    code: reason,
    severity: 'info',
    what: `${spoken} comes to ${key.port || 'the port'}, which is named after ${traits.named === 'grpc' ? 'gRPC' : 'HTTP'}. It is served here; the OpenTelemetry Collector would refuse it.`,
    mend: `Set the sender’s port to that of OTLP over ${spoken}, ${usual === 'grpc' ? 'usually 4317' : 'usually 4318'}, or its protocol to that of the port.`,
    lines: [env('OTEL_EXPORTER_OTLP_PROTOCOL', usual === 'grpc' ? 'http/protobuf' : 'grpc')],
  }
}

const EXPLANATIONS: Readonly<Record<string, Explain>> = {
  not_found: explainPath,
  no_pipeline: noPipeline,
  method_not_allowed: methodNotAllowed,
  unsupported_media_type: mediaType,
  preflight_refused: preflight,
  tls_to_plain_port: tlsToPlain,
  plain_to_tls_port: plainToTls,
  tls_handshake: handshake,
  wrong_protocol: wrongProtocol,
  wrong_port: wrongPort,
  permission_denied: host,
  unauthenticated: credentials,
  invalid_data: explainBody,
  invalid_id: invalidId,
  too_large: tooLarge,
  overloaded: again,
  unavailable: again,
  timeout: again,
  other_protocol: otherProtocol,
  exports_to_itself: ({ reason, key }) => ({
    code: reason,
    severity: 'error',
    what: `This collector exports to its own port ${key.port}: what comes in goes round for ever, and grows.`,
    mend: 'Give the exporter the address of what is behind this collector, and not one that it listens on itself.',
    lines: [{ kind: 'yaml', text: 'exporters: { otlp_grpc: { endpoint: backend:4317, tls: { insecure: true } } }' }],
  }),
  no_fields_of_otlp: ({ reason, detail }) => ({
    code: reason,
    severity: 'error',
    what: `Requests of ${detail} bytes of JSON have no span in them: none of their fields is one of OTLP, and what is not known is passed over.`,
    mend: 'Send what begins like this; an OpenTelemetry SDK does.',
    lines: [
      { kind: 'code', text: '{"resourceSpans":[{"resource":{"attributes":[]},"scopeSpans":[{"spans":[]}]}]}' },
      HTTP_PROTOBUF,
    ],
  }),
  unknown_service: ({ reason, detail }) => ({
    code: reason,
    severity: 'warning',
    what: `Spans come from ${detail === '' ? 'a service without a name' : `a service that is called ${shown(detail)}`}: services cannot be told apart.`,
    mend: 'Give each service its name.',
    lines: [env('OTEL_SERVICE_NAME', 'shop')],
  }),
  attributes_cut: ({ reason, detail }) => ({
    code: reason,
    severity: 'warning',
    what: `Limits of the SDK cut what spans have: ${detail}.`,
    mend: 'Raise the limit, or set fewer attributes; 128 is the default.',
    lines: [env('OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', '512')],
  }),
  events_cut: ({ reason, detail }) => ({
    code: reason,
    severity: 'warning',
    what: `Limits of the SDK cut what spans have: ${detail}.`,
    mend: 'Raise the limits, or record fewer of them on one span; 128 is the default.',
    lines: [env('OTEL_SPAN_EVENT_COUNT_LIMIT', '1000'), env('OTEL_SPAN_LINK_COUNT_LIMIT', '1000')],
  }),
  times_in_seconds: wrongUnit('seconds', 'BigInt(seconds) * 1_000_000_000n'),
  times_in_milliseconds: wrongUnit('milliseconds', 'BigInt(Date.now()) * 1_000_000n'),
  times_in_microseconds: wrongUnit('microseconds', 'BigInt(microseconds) * 1_000n'),
  times_before_2000: ({ reason, detail }) => ({
    code: reason,
    severity: 'error',
    what: `Spans start at ${detail}: searches of the last hours never find them.`,
    mend: 'Set the clock of that machine; in code, startTimeUnixNano counts nanoseconds since 1970.',
    lines: [{ kind: 'code', text: 'startTimeUnixNano: BigInt(Date.now()) * 1_000_000n' }],
  }),
  times_ahead: ({ reason, detail }) => ({
    code: reason,
    severity: 'warning',
    what: `Spans start ${detail} ahead of the clock here.`,
    mend: 'Set the clock of that machine by NTP, or that of this one; whole hours are local time that was taken for UTC.',
    lines: [{ kind: 'shell', text: 'timedatectl set-ntp true' }],
  }),
}

function wrongUnit(unit: string, code: string): Explain {
  return ({ reason, detail }) => ({
    code: reason,
    severity: 'error',
    what: `Times of spans are in ${unit}, not in nanoseconds: they stand at ${detail}, and searches never find them.`,
    mend: 'startTimeUnixNano and endTimeUnixNano count nanoseconds since 1970.',
    lines: [{ kind: 'code', text: code }],
  })
}
