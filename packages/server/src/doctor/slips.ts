/** Slips in the variables of OpenTelemetry that SDKs pass over without a word, or with one that does not help. */
import { type Diagnosis, diagnosis, env, shell } from './diagnosis.ts'
import { type Environment, find } from './environment.ts'
import type { Language } from './settings.ts'

/** What stands around a value and cannot be seen: the end of a line of Windows, a space before it. The doctor reads values without it. */
export function checkSpace(environment: Environment, found: Diagnosis[]): void {
  for (const [name, value = ''] of Object.entries(environment)) {
    const inside = value.trim()
    if (!name.startsWith('OTEL_') || inside === '' || inside === value) continue
    found.push(
      diagnosis(
        'space_around_value',
        `${name} has ${value.endsWith('\r') ? 'a carriage return at its end, as lines of files from Windows have' : 'a space around its value'}: SDKs that take it for part of the value do not understand it.`,
        'Write it without.',
        [env(name, name.endsWith('HEADERS') ? 'authorization=Bearer%20TOKEN' : inside)],
        'warning',
      ),
    )
  }
}

const QUOTED = /^(["'])(.*)\1$/s

/** As `checkSlips`, and the environment as it is meant: without the quotes that files for `docker --env-file` and systemd leave around values. */
export function withoutQuotes(environment: Environment, found: Diagnosis[]): Environment {
  const meant: Record<string, string | undefined> = { ...environment }
  for (const [name, value] of Object.entries(environment)) {
    const inside = name.startsWith('OTEL_') ? QUOTED.exec(value?.trim() ?? '')?.[2] : undefined
    if (inside === undefined) continue
    meant[name] = inside
    found.push(
      diagnosis(
        'quoted_value',
        `${name} has quotes around its value, which belong to it: files for docker --env-file and the like do not take them off.`,
        'Write it without.',
        [env(name, name.endsWith('HEADERS') ? 'authorization=Bearer%20TOKEN' : inside)],
      ),
    )
  }
  return meant
}

/** What a shell, a template or Windows would have put a value in the place of. */
const UNEXPANDED =
  /\$\{(\w+)(?::?-([^}]*)|[^}]*)\}|\$([A-Z_][A-Z0-9_]*)|%([A-Z_][A-Z0-9_]*)%|\{\{[^}]*\}\}|<[A-Z][\w-]*>/g
/** Values in which such things mean something else. */
const FREE_TEXT = /HEADERS$|RESOURCE_ATTRIBUTES$/

/** As `checkSlips`, and the environment without values that have the name of a variable in them where its value should be: SDKs take them as they are. */
export function withoutUnexpanded(environment: Environment, found: Diagnosis[]): Environment {
  const meant: Record<string, string | undefined> = { ...environment }
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || !name.startsWith('OTEL_') || FREE_TEXT.test(name)) continue
    const [first] = value.match(UNEXPANDED) ?? []
    if (first === undefined) continue
    const right = value.replaceAll(UNEXPANDED, (all, a?: string, fallback?: string, b?: string, c?: string) => {
      const variable = a ?? b ?? c
      return (variable === undefined ? undefined : environment[variable]) ?? fallback ?? all
    })
    const isWhole = !right.match(UNEXPANDED)
    meant[name] = isWhole ? right : undefined
    found.push(
      diagnosis(
        'unexpanded',
        `${name}=${value}: nothing has put a value in the place of ${first}; SDKs take it as it stands.`,
        isWhole
          ? 'Write the value, or let a shell do it.'
          : `Write the value; ${first} has none in this environment either.`,
        [env(name, isWhole ? right : (EXAMPLES.find(([pattern]) => pattern.test(name))?.[1] ?? 'VALUE'))],
      ),
    )
  }
  return meant
}

const EXAMPLES: readonly (readonly [RegExp, string])[] = [
  [/TRACES_ENDPOINT$/, 'http://localhost:4318/v1/traces'],
  [/ENDPOINT$/, 'http://localhost:4318'],
  [/SERVICE_NAME$/, 'shop'],
  [/SAMPLER_ARG$/, '1'],
]

const OF_SIGNALS = [
  'ENDPOINT',
  'HEADERS',
  'TIMEOUT',
  'PROTOCOL',
  'COMPRESSION',
  'CERTIFICATE',
  'CLIENT_CERTIFICATE',
  'CLIENT_KEY',
  'INSECURE',
].flatMap((what) => ['', 'TRACES_', 'METRICS_', 'LOGS_'].map((signal) => `OTEL_EXPORTER_OTLP_${signal}${what}`))

/** Of the specification, and those of SDKs that are near to one of it. */
const KNOWN: ReadonlySet<string> = new Set([
  ...OF_SIGNALS,
  'OTEL_SDK_DISABLED',
  'OTEL_SERVICE_NAME',
  'OTEL_SERVICE_VERSION',
  'OTEL_RESOURCE_ATTRIBUTES',
  'OTEL_TRACES_EXPORTER',
  'OTEL_METRICS_EXPORTER',
  'OTEL_LOGS_EXPORTER',
  'OTEL_TRACES_SAMPLER',
  'OTEL_TRACES_SAMPLER_ARG',
  'OTEL_PROPAGATORS',
  'OTEL_LOG_LEVEL',
  'OTEL_BSP_SCHEDULE_DELAY',
  'OTEL_BSP_EXPORT_TIMEOUT',
  'OTEL_BSP_MAX_QUEUE_SIZE',
  'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
  'OTEL_BLRP_SCHEDULE_DELAY',
  'OTEL_BLRP_EXPORT_TIMEOUT',
  'OTEL_BLRP_MAX_QUEUE_SIZE',
  'OTEL_BLRP_MAX_EXPORT_BATCH_SIZE',
  'OTEL_ATTRIBUTE_COUNT_LIMIT',
  'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT',
  'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT',
  'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT',
  'OTEL_SPAN_EVENT_COUNT_LIMIT',
  'OTEL_SPAN_LINK_COUNT_LIMIT',
  'OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT',
  'OTEL_LINK_ATTRIBUTE_COUNT_LIMIT',
])

/** Milliseconds: what is longer is a figure in another unit, or hides what is looked for. */
const LONGEST_DELAY_MS = 60_000
const SHORTEST_TIMEOUT_MS = 100
/** Seconds: what is longer was meant in milliseconds. */
export const LONGEST_TIMEOUT_S = 600

export function checkSlips(environment: Environment, language: Language, found: Diagnosis[]): void {
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || !/^OTE?L/i.test(name) || KNOWN.has(name)) continue
    const meant = [...KNOWN].find((known) => isSlipOf(name, known))
    if (meant === undefined) checkMadeUp(name, value, environment, found)
    if (meant === undefined || find(environment, meant)) continue
    found.push(
      diagnosis(
        'misspelt_variable',
        `${name} is no variable of OpenTelemetry, and is read by nobody: ${meant} is near.`,
        'Write it so.',
        [env(meant, meant.endsWith('HEADERS') ? 'authorization=Bearer%20TOKEN' : value.trim())],
      ),
    )
  }
  const delay = find(environment, 'OTEL_BSP_SCHEDULE_DELAY')
  if (delay && Number(delay.value) > LONGEST_DELAY_MS)
    found.push(
      diagnosis(
        'long_delay',
        `OTEL_BSP_SCHEDULE_DELAY=${delay.value}: spans wait ${Math.round(Number(delay.value) / 1_000)} seconds before they are sent.`,
        'It counts milliseconds.',
        [env(delay.name, '5000')],
        'warning',
      ),
    )
  const timeout = find(environment, 'OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT')
  if (timeout && language !== 'python' && Number(timeout.value) < SHORTEST_TIMEOUT_MS)
    found.push(
      diagnosis(
        'short_timeout',
        `${timeout.name}=${timeout.value}: exports are given up after ${timeout.value} ms.`,
        'It counts milliseconds, but in Python.',
        [env(timeout.name, '10000')],
        'warning',
      ),
    )
  if (timeout && language === 'python' && Number(timeout.value) > LONGEST_TIMEOUT_S)
    found.push(
      diagnosis(
        'long_timeout',
        `${timeout.name}=${timeout.value}: exports wait ${formatLength(Number(timeout.value))} for a receiver that does not answer, and what ends meanwhile is dropped.`,
        'Python’s exporters count seconds, and not milliseconds.',
        [env(timeout.name, secondsMeant(timeout.value))],
        'warning',
      ),
    )
  for (const name of ['OTEL_NODE_DISABLED_INSTRUMENTATIONS', 'OTEL_PYTHON_DISABLED_INSTRUMENTATIONS']) {
    const disabled = find(environment, name)
    if (disabled)
      found.push(
        diagnosis(
          'instrumentations_disabled',
          `${name}=${disabled.value}: what these do makes no spans.`,
          'Take away what is to be seen.',
          [shell(`unset ${name}`)],
          'warning',
        ),
      )
  }
}

/** What names that somebody has made up are meant for, the nearest first. */
const MADE_UP: readonly (readonly [RegExp, string])[] = [
  [/TRACES?_(?:ENDPOINT|URL|ADDRESS)$/, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'],
  [/(?:ENDPOINT|URL|ADDRESS)$/, 'OTEL_EXPORTER_OTLP_ENDPOINT'],
  [/SERVICE_?NAME$|^OTEL_(?:APP|APPLICATION)_NAME$/, 'OTEL_SERVICE_NAME'],
  [/HEADERS?$/, 'OTEL_EXPORTER_OTLP_HEADERS'],
  [/PROTOCOL$/, 'OTEL_EXPORTER_OTLP_PROTOCOL'],
  [/SAMPL(?:ER|E|ING)_(?:ARG|RATIO|RATE)$/, 'OTEL_TRACES_SAMPLER_ARG'],
  [/SAMPLER$/, 'OTEL_TRACES_SAMPLER'],
  [/PROPAGATORS?$/, 'OTEL_PROPAGATORS'],
]
/** Names that exporters, SDKs and agents have for themselves. */
const OF_OTHERS =
  /^OTEL_(?:EXPORTER_(?:ZIPKIN|JAEGER|PROMETHEUS|OTLP_(?:METRICS|LOGS|PROFILES))|JAVA|JAVAAGENT|PYTHON|NODE|DOTNET|GO|PHP|RUBY|RUST|INSTRUMENTATION|METRICS?|METRIC|LOGS?|LOG|BLRP|BSP|SEMCONV|CONFIG|EXPERIMENTAL|RESOURCE)_/

/** A name that is none of OpenTelemetry's, and so read by no SDK; the program's own code may read it. */
function checkMadeUp(name: string, value: string, environment: Environment, found: Diagnosis[]): void {
  if (!/^(?:OTEL|OTLP)_/.test(name) || OF_OTHERS.test(name)) return
  const meant = MADE_UP.find(([pattern]) => pattern.test(name))?.[1]
  if (meant === undefined || find(environment, meant)) return
  if (meant.endsWith('ENDPOINT') && find(environment, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT')) return
  found.push(
    diagnosis(
      'made_up_variable',
      `${name} is no variable of OpenTelemetry: SDKs do not read it, unless this program’s code does.`,
      `They read ${meant}.`,
      [env(meant, meant.endsWith('HEADERS') ? 'authorization=Bearer%20TOKEN' : value.trim())],
      'warning',
    ),
  )
}

/** `OTEL_RESOURCE_ATTRIBUTES`: a list with another separator is one value, and what has no `=` is none. */
export function checkAttributes(environment: Environment, found: Diagnosis[]): void {
  const text = find(environment, 'OTEL_RESOURCE_ATTRIBUTES')?.value
  if (text === undefined) return
  const parts = text.split(',').map((part) => part.trim())
  const odd = parts.find((part) => part !== '' && (!/^[^=]+=/.test(part) || /=[^=]*[;\s]\s*[\w.]+=/.test(part)))
  if (odd === undefined) return
  const right = parts
    .flatMap((part) => part.split(/;\s*|\s+(?=[\w.]+=)/))
    .map((part) => (part.includes('=') ? part : part.replace(/\s*:\s*/, '=')))
    .filter((part) => /^[\w.-]+=/.test(part))
  found.push(
    diagnosis(
      'bad_attributes',
      `OTEL_RESOURCE_ATTRIBUTES has ${JSON.stringify(odd)}, which is no key=value: SDKs leave it out, or all of them.`,
      'Write key=value, with commas in between.',
      right.length === 0 ? [] : [env('OTEL_RESOURCE_ATTRIBUTES', right.join(','))],
      'warning',
    ),
  )
}

/** `2 h 46 min`. */
export function formatLength(seconds: number): string {
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** What was given in milliseconds, as seconds. */
export function secondsMeant(milliseconds: string): string {
  return String(Math.max(1, Math.round(Number(milliseconds) / 1_000)))
}

/** Whether two names differ in one place, by at most two letters. */
function isSlipOf(name: string, known: string): boolean {
  let front = 0
  while (front < name.length && name[front] === known[front]) front++
  let end = 0
  while (end < Math.min(name.length, known.length) - front && name.at(-1 - end) === known.at(-1 - end)) end++
  return Math.max(name.length, known.length) - front - end <= 2
}
