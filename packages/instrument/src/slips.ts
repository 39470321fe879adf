import type { Environment } from './environment.ts'

/** What a shell, a template or Windows would have put a value in the place of. */
const unexpanded = /\$\{\w+[^}]*\}|\$[A-Z_][A-Z0-9_]*|%[A-Z_][A-Z0-9_]*%|\{\{[^}]*\}\}|<[A-Z][\w-]*>/
/** Values in which such things may be meant. */
const freeText = /HEADERS$|RESOURCE_ATTRIBUTES$/

const signals = ['', 'TRACES_', 'METRICS_', 'LOGS_', 'PROFILES_']
const ofExporters = [
  'ENDPOINT',
  'HEADERS',
  'TIMEOUT',
  'PROTOCOL',
  'COMPRESSION',
  'CERTIFICATE',
  'CLIENT_CERTIFICATE',
  'CLIENT_KEY',
  'INSECURE',
]
/** All names that begin as these do. Source: the OpenTelemetry specification, "Environment Variable Specification". */
const known = new Set([
  ...ofExporters.flatMap((what) => signals.map((signal) => `OTEL_EXPORTER_OTLP_${signal}${what}`)),
  'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE',
  'OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION',
  'OTEL_TRACES_EXPORTER',
  'OTEL_TRACES_SAMPLER',
  'OTEL_TRACES_SAMPLER_ARG',
  'OTEL_BSP_SCHEDULE_DELAY',
  'OTEL_BSP_EXPORT_TIMEOUT',
  'OTEL_BSP_MAX_QUEUE_SIZE',
  'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
  'OTEL_SERVICE_NAME',
  'OTEL_SERVICE_VERSION',
])
const families = /^OTEL_(?:EXPORTER_OTLP|TRACES?|BSP|SERVICE)_/

/** What names that somebody has made up are meant for. */
const madeUp: readonly (readonly [RegExp, string])[] = [
  [/^(?:OTEL|OTLP)_(?:EXPORTER_|COLLECTOR_|OTLP_)*(?:ENDPOINT|URL|ADDRESS)$/, 'OTEL_EXPORTER_OTLP_ENDPOINT'],
  [/^OTEL_(?:SERVICENAME|APP_NAME|APPLICATION_NAME)$/, 'OTEL_SERVICE_NAME'],
  [/^OTEL_TRACES_SAMPL(?:ER|ING)_(?:RATIO|RATE)$/, 'OTEL_TRACES_SAMPLER_ARG'],
]

/** Reports variables that are set and not read, or read with a name in the place of their value. */
export function checkSlips(env: Environment, report: (finding: string) => void): void {
  for (const [name, value] of Object.entries(env)) {
    if (!value || !/^(?:OTEL|OTLP)_/.test(name)) continue
    const place = freeText.test(name) ? undefined : unexpanded.exec(value)?.[0]
    if (place !== undefined)
      report(`${name}="${value}": nothing has put a value in the place of ${place}; write the value`)
    if (known.has(name)) continue
    const meant =
      madeUp.find(([pattern]) => pattern.test(name))?.[1] ?? (families.test(name) ? nearest(name) : undefined)
    if (meant !== undefined && !env[meant])
      report(`${name} is no variable of OpenTelemetry, and is not read; write ${meant}`)
  }
}

/** The known name that differs in one place alone, by the fewest letters. */
function nearest(name: string): string | undefined {
  const [best] = [...known]
    .map((other) => ({ other, letters: lettersApart(name, other) }))
    .toSorted((a, b) => a.letters - b.letters)
  return best && best.letters <= 3 ? best.other : undefined
}

function lettersApart(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  let front = 0
  while (front < shorter && a[front] === b[front]) front++
  let end = 0
  while (end < shorter - front && a.at(-1 - end) === b.at(-1 - end)) end++
  return Math.max(a.length, b.length) - front - end
}
