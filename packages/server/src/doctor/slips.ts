/** Slips in the variables of OpenTelemetry that SDKs pass over without a word, or with one that does not help. */
import { type Diagnosis, diagnosis, env, shell } from './diagnosis.ts'
import { type Environment, find } from './environment.ts'
import type { Language } from './settings.ts'

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
