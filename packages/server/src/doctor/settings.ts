/**
 * How an OpenTelemetry SDK would be set up by this environment, and what in it is not meant so. Sources: the OpenTelemetry specification, "Environment
 * Variable Specification" and "OpenTelemetry Protocol Exporter".
 */
import { didYouMean } from '@spoor/collector'
import { type Diagnosis, diagnosis, env, withoutPassword } from './diagnosis.ts'
import { type Environment, find, headerPairs, type Setting, shownValue } from './environment.ts'
import { checkAttributes, checkSlips, checkSpace, withoutQuotes, withoutUnexpanded } from './slips.ts'

export type Protocol = 'grpc' | 'http/protobuf' | 'http/json'
/** `any`: not known. It decides what holds where nothing is set. */
export type Language = 'node' | 'python' | 'any'

/** Where spans go, and how. */
export interface Target {
  readonly protocol: Protocol
  /** The address as it is used, with its path. */
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly compression: 'gzip' | 'none'
  /** Of who has signed the peer's certificate; undefined: those of the system. */
  readonly certificate: string | undefined
  /** The variable that the address is from; undefined: the default. */
  readonly endpointFrom: string | undefined
}

export interface Resolved {
  readonly settings: readonly Setting[]
  readonly target: Target
  readonly diagnoses: readonly Diagnosis[]
}

const TRACES_PATH = '/v1/traces'
const PROTOCOLS: readonly Protocol[] = ['grpc', 'http/protobuf', 'http/json']
const TRACES_ENDPOINT = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'
const ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT'
const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
  'jaeger_remote',
  'parentbased_jaeger_remote',
  'xray',
]
const PROPAGATORS = ['tracecontext', 'baggage', 'b3', 'b3multi', 'jaeger', 'xray', 'ottrace', 'none']
const SEEN = /^(?:OTEL_|SPOOR_|NODE_OPTIONS$|NODE_EXTRA_CA_CERTS$|(?:https?|grpc|all|no)_proxy$)/i

export function resolveSettings(given: Environment, language: Language): Resolved {
  const found: Diagnosis[] = []
  const environment = withoutUnexpanded(withoutQuotes(given, found), found)
  const protocol = protocolOf(environment, language, found)
  const { url, from } = urlOf(environment, protocol.value, found)
  checkOff(environment, found)
  checkSampler(environment, found)
  checkPropagators(environment, found)
  checkService(environment, found)
  checkPort(protocol.value, url, protocol.from, found)
  checkSpace(given, found)
  checkSlips(environment, language, found)
  checkAttributes(environment, found)
  const headers = headersOf(environment, found)
  const compression = compressionOf(environment, found)
  const certificate = find(environment, 'OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE', 'OTEL_EXPORTER_OTLP_CERTIFICATE')
  const inForce: Setting[] = [
    { name: 'protocol', value: protocol.value, from: protocol.from },
    { name: 'endpoint', value: withoutPassword(url.href), from: from ?? 'default' },
    ...Object.entries(headers).map(([name, value]) => ({
      name: `header ${name}`,
      value: shownValue('_HEADERS', `${name}=${value}`).slice(name.length + 1),
      from: 'OTEL_EXPORTER_OTLP_HEADERS',
    })),
    { name: 'compression', value: compression.value, from: compression.from },
    { name: 'sampler', ...orDefault(environment, 'OTEL_TRACES_SAMPLER', 'parentbased_always_on') },
    { name: 'propagators', ...orDefault(environment, 'OTEL_PROPAGATORS', 'tracecontext,baggage') },
    { name: 'service', ...serviceOf(environment) },
  ]
  const others = Object.entries(environment)
    .filter(([name, value]) => SEEN.test(name) && value !== undefined)
    .map(([name, value]) => ({ name, value: shownValue(name, value!), from: 'environment' }))
  return {
    settings: [...inForce, ...others],
    target: {
      protocol: protocol.value,
      url,
      headers,
      compression: compression.value,
      certificate: certificate?.value,
      endpointFrom: from,
    },
    diagnoses: found,
  }
}

function orDefault(environment: Environment, name: string, fallback: string): Pick<Setting, 'value' | 'from'> {
  const set = find(environment, name)
  return { value: set?.value ?? fallback, from: set?.name ?? 'default' }
}

function protocolOf(
  environment: Environment,
  language: Language,
  found: Diagnosis[],
): { value: Protocol; from: string } {
  const fallback: Protocol = language === 'python' ? 'grpc' : 'http/protobuf'
  const set = find(environment, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL')
  if (!set) return { value: fallback, from: language === 'python' ? 'default of Python' : 'default' }
  const known = PROTOCOLS.find((one) => one === set.value)
  if (known) return { value: known, from: set.name }
  const meant = /grpc/i.test(set.value) ? 'grpc' : /json/i.test(set.value) ? 'http/json' : 'http/protobuf'
  found.push(
    diagnosis(
      'unknown_protocol',
      `${set.name}=${set.value}: there are ${PROTOCOLS.join(', ')}.`,
      'Write one of these.',
      [env(set.name, meant)],
    ),
  )
  return { value: fallback, from: 'default' }
}

function urlOf(
  environment: Environment,
  protocol: Protocol,
  found: Diagnosis[],
): { url: URL; from: string | undefined } {
  const isGrpc = protocol === 'grpc'
  const fallback = isGrpc ? 'http://localhost:4317' : `http://localhost:4318${TRACES_PATH}`
  const set = find(environment, TRACES_ENDPOINT, ENDPOINT)
  if (!set) return { url: new URL(fallback), from: undefined }
  const isOwn = set.name === TRACES_ENDPOINT
  const meant = meantAddress(set.value)
  if (meant !== set.value) {
    found.push(
      diagnosis(
        'bad_endpoint',
        `${set.name}=${set.value} is no address of HTTP: some SDKs take it for another host, or for none.`,
        'Write http://, or https://, and the host.',
        [env(set.name, meant)],
      ),
    )
    return urlOf({ ...environment, [set.name]: meant }, protocol, found)
  }
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(set.value)) {
    const isPlain =
      find(environment, 'OTEL_EXPORTER_OTLP_TRACES_INSECURE', 'OTEL_EXPORTER_OTLP_INSECURE')?.value.toLowerCase() ===
      'true'
    const right = `http://${set.value}`
    const url = URL.canParse(right) ? new URL(right) : new URL(fallback)
    if (!(isGrpc && isPlain))
      found.push(
        diagnosis(
          'no_scheme',
          `${set.name}=${set.value} has no scheme: ${isGrpc ? 'SDKs take it for TLS, or for no address' : 'it is no address of HTTP'}.`,
          'Write the scheme.',
          [env(set.name, right)],
        ),
      )
    return { url: isGrpc || isOwn ? url : withTraces(url), from: set.name }
  }
  if (!URL.canParse(set.value)) {
    found.push(
      diagnosis('bad_endpoint', `${set.name}=${set.value} is no address.`, 'Write one.', [
        env(set.name, isOwn ? fallback : new URL(fallback).origin),
      ]),
    )
    return { url: new URL(fallback), from: undefined }
  }
  const url = new URL(set.value)
  if (isGrpc) {
    if (url.pathname !== '/' && url.pathname !== '')
      found.push(
        diagnosis(
          'path_with_grpc',
          `${set.name}=${set.value}: gRPC has no path.`,
          'Leave the path out, or use HTTP.',
          [env(set.name, url.origin)],
          'warning',
        ),
      )
    return { url: new URL(url.origin), from: set.name }
  }
  if (isOwn) {
    if (url.pathname === '/')
      found.push(
        diagnosis(
          'missing_path',
          `${set.name} is used as it is, and has no path: spans are posted to /.`,
          'Give the whole address.',
          [env(set.name, withTraces(url).href)],
        ),
      )
    return { url, from: set.name }
  }
  if (/\/v1\/(?:traces|metrics|logs)\/?$/.test(url.pathname))
    found.push(
      diagnosis(
        'doubled_path',
        `${set.name} has the path of a signal, which SDKs add to it: spans are posted to ${withTraces(url).pathname}.`,
        'Leave the path out.',
        [env(set.name, url.origin)],
      ),
    )
  return { url: withTraces(url), from: set.name }
}

/** With two slashes behind the scheme, and a scheme of HTTP where there is another one; what has none stays. */
function meantAddress(value: string): string {
  const [, scheme = '', slashes = '', rest = ''] = /^([a-z][a-z0-9+.-]*):(\/*)(.+)$/is.exec(value) ?? []
  const isHttp = /^https?$/i.test(scheme)
  if (slashes === '' ? !isHttp : isHttp && slashes === '//') return value
  return `${isHttp ? scheme : 'http'}://${rest}`
}

function withTraces(url: URL): URL {
  const whole = new URL(url)
  whole.pathname = url.pathname.replace(/\/$/, '') + TRACES_PATH
  return whole
}

function checkOff(environment: Environment, found: Diagnosis[]): void {
  if (find(environment, 'OTEL_SDK_DISABLED')?.value.toLowerCase() === 'true')
    found.push(
      diagnosis('sdk_disabled', 'OTEL_SDK_DISABLED=true: tracing is off.', 'Take it away, or set it to false.', [
        env('OTEL_SDK_DISABLED', 'false'),
      ]),
    )
  const exporter = find(environment, 'OTEL_TRACES_EXPORTER')
  if (!exporter || exporter.value.split(',').some((one) => one.trim() === 'otlp')) return
  const what = exporter.value === 'none' ? 'spans are sent nowhere' : `spans go to ${exporter.value}, and not to OTLP`
  found.push(
    diagnosis('exporter_off', `OTEL_TRACES_EXPORTER=${exporter.value}: ${what}.`, 'Let them go to OTLP.', [
      env('OTEL_TRACES_EXPORTER', 'otlp'),
    ]),
  )
}

function checkSampler(environment: Environment, found: Diagnosis[]): void {
  const sampler = find(environment, 'OTEL_TRACES_SAMPLER')
  if (!sampler) return
  if (!SAMPLERS.includes(sampler.value))
    found.push(
      diagnosis(
        'unknown_sampler',
        `OTEL_TRACES_SAMPLER=${sampler.value}: no sampler of the specification${didYouMean(sampler.value, SAMPLERS)}.`,
        'Write one of them.',
        [env(sampler.name, 'parentbased_always_on')],
      ),
    )
  const argument = find(environment, 'OTEL_TRACES_SAMPLER_ARG')?.value
  const isRatio = sampler.value.endsWith('traceidratio')
  const ratio = Number(argument ?? 1)
  if (isRatio && !(ratio >= 0 && ratio <= 1)) {
    const share = Number(argument!.replace(',', '.'))
    const percent = Number(argument!.replace(/\s*%$/, ''))
    const isPercent = percent > 0 && percent <= 100
    const isShare = share > 0 && share <= 1
    found.push(
      diagnosis(
        'bad_ratio',
        `OTEL_TRACES_SAMPLER_ARG=${argument} is no share from 0 to 1: SDKs take it for all, or do not start.`,
        isPercent ? `${percent} % is written ${percent / 100}.` : 'Write a share, as 0.1 for a tenth.',
        [env('OTEL_TRACES_SAMPLER_ARG', isShare ? String(share) : isPercent ? String(percent / 100) : '1')],
        'warning',
      ),
    )
    return
  }
  if (sampler.value.endsWith('always_off') || (isRatio && argument !== undefined && Number(argument) === 0))
    found.push(
      diagnosis(
        'sampled_out',
        `OTEL_TRACES_SAMPLER=${sampler.value}${isRatio ? ` with OTEL_TRACES_SAMPLER_ARG=${argument}` : ''}: no span is recorded.`,
        'Record them.',
        [env(sampler.name, 'parentbased_always_on')],
      ),
    )
  else if (isRatio && Number(argument ?? 1) < 1)
    found.push(
      diagnosis(
        sampler.value.startsWith('parentbased') ? 'sampled' : 'samples_in_the_middle',
        sampler.value.startsWith('parentbased')
          ? `OTEL_TRACES_SAMPLER_ARG=${argument}: ${Math.round(100 * Number(argument))} % of the traces that begin here are recorded.`
          : `OTEL_TRACES_SAMPLER=traceidratio decides for itself what a caller has decided already: traces have holes.`,
        'Let the caller decide; record all while you look.',
        [env(sampler.name, 'parentbased_always_on')],
        'warning',
      ),
    )
}

function checkPropagators(environment: Environment, found: Diagnosis[]): void {
  const set = find(environment, 'OTEL_PROPAGATORS')
  if (!set) return
  const names = set.value.split(',').map((name) => name.trim())
  const unknown = names.filter((name) => !PROPAGATORS.includes(name))
  if (unknown.length > 0)
    found.push(
      diagnosis(
        'unknown_propagator',
        `OTEL_PROPAGATORS: ${unknown.map((name) => `"${name}"${didYouMean(name, PROPAGATORS)}`).join(', ')}: not known; with some SDKs none is used then.`,
        'Write known ones.',
        [env('OTEL_PROPAGATORS', 'tracecontext,baggage')],
      ),
    )
  else if (!names.includes('tracecontext'))
    found.push(
      diagnosis(
        'no_tracecontext',
        `OTEL_PROPAGATORS=${set.value}: services that speak W3C trace context begin a trace of their own.`,
        'Speak both.',
        [
          env(
            'OTEL_PROPAGATORS',
            ['tracecontext', 'baggage', ...names.filter((name) => name !== 'none' && name !== 'baggage')].join(','),
          ),
        ],
        'warning',
      ),
    )
}

function serviceOf(environment: Environment): Pick<Setting, 'value' | 'from'> {
  const name = find(environment, 'OTEL_SERVICE_NAME')
  if (name) return { value: name.value, from: name.name }
  const attributes = find(environment, 'OTEL_RESOURCE_ATTRIBUTES')
  const own = headerPairs(attributes?.value ?? '').find(([key]) => key === 'service.name')?.[1]
  return own ? { value: own, from: 'OTEL_RESOURCE_ATTRIBUTES' } : { value: '(not set)', from: 'default' }
}

function checkService(environment: Environment, found: Diagnosis[]): void {
  const name = find(environment, 'OTEL_SERVICE_NAME')
  const own = headerPairs(find(environment, 'OTEL_RESOURCE_ATTRIBUTES')?.value ?? '').find(
    ([key]) => key === 'service.name',
  )?.[1]
  if (!name && !own)
    found.push(
      diagnosis(
        'unknown_service',
        'The environment names no service: where the code does not either, it is called unknown_service.',
        'Give it its name.',
        [env('OTEL_SERVICE_NAME', 'shop')],
        'warning',
      ),
    )
  else if (name && own && name.value !== own)
    found.push(
      diagnosis(
        'two_service_names',
        `OTEL_SERVICE_NAME=${name.value} and service.name=${own} in OTEL_RESOURCE_ATTRIBUTES: the first one wins.`,
        'Say it in one place.',
        [env('OTEL_SERVICE_NAME', name.value)],
        'info',
      ),
    )
}

function checkPort(protocol: Protocol, url: URL, from: string, found: Diagnosis[]): void {
  const isWrong = protocol === 'grpc' ? url.port === '4318' : url.port === '4317'
  if (!isWrong) return
  const right = protocol === 'grpc' ? 'http/protobuf' : 'grpc'
  const python =
    from === 'default of Python' ? '; it is the default of Python’s SDK, which takes grpc where nothing is set' : ''
  found.push(
    diagnosis(
      'port_of_other_protocol',
      `Port ${url.port} is that of OTLP over ${protocol === 'grpc' ? 'HTTP' : 'gRPC'}, and the protocol is ${protocol}${python}. Spoor takes it; others would not.`,
      'Let them go together.',
      [env('OTEL_EXPORTER_OTLP_PROTOCOL', right)],
      'warning',
    ),
  )
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i

function headersOf(environment: Environment, found: Diagnosis[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name of ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS']) {
    const text = environment[name]?.trim()
    if (!text) continue
    const pairs = headerPairs(text)
    const bad = pairs.filter(([key, value]) => !TOKEN.test(key) || value === '')
    if (bad.length > 0) {
      const right = /^([\w-]+)\s*:\s*(.+)$/.exec(text)
      found.push(
        diagnosis(
          'bad_headers',
          `${name} cannot be read: ${bad.map(([key]) => JSON.stringify(key.slice(0, 12))).join(', ')} is no name=value.`,
          right
            ? 'Headers are written name=value here, not name: value; a space in a value is %20.'
            : 'Write name=value, with commas in between; a space in a value is %20.',
          [
            env(
              name,
              right
                ? `${right[1]!.toLowerCase()}=${encodeURI(masksSecret(right[2]!))}`
                : 'authorization=Bearer%20TOKEN',
            ),
          ],
        ),
      )
    } else if (pairs.some(([, value]) => value.includes(' ')))
      found.push(
        diagnosis(
          'space_in_header',
          `${name} has a space in a value: some SDKs take it, others do not read the header at all.`,
          'Write it %20.',
          [env(name, pairs.map(([key, value]) => `${key}=${encodeURI(masksSecret(value))}`).join(','))],
          'warning',
        ),
      )
    for (const [key, value] of pairs) if (TOKEN.test(key)) headers[key.toLowerCase()] = decoded(value)
  }
  return headers
}

/** The scheme stays, what is secret is for whoever pastes it. */
function masksSecret(value: string): string {
  const scheme = /^(\w+) /.exec(value)?.[1]
  return scheme === undefined ? 'TOKEN' : `${scheme} TOKEN`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function compressionOf(environment: Environment, found: Diagnosis[]): { value: 'gzip' | 'none'; from: string } {
  const set = find(environment, 'OTEL_EXPORTER_OTLP_TRACES_COMPRESSION', 'OTEL_EXPORTER_OTLP_COMPRESSION')
  if (!set) return { value: 'none', from: 'default' }
  if (set.value === 'gzip' || set.value === 'none') return { value: set.value, from: set.name }
  found.push(
    diagnosis('unknown_compression', `${set.name}=${set.value}: there are gzip and none.`, 'Write one of these.', [
      env(set.name, 'gzip'),
    ]),
  )
  return { value: 'none', from: 'default' }
}
