/**
 * What a process that is instrumented with `@spoor/instrument` knows of itself and its spans do not say: a header of its exports, also of empty ones. It tells it only
 * to receivers that have asked for it, by a header of their answers.
 */

/** Of answers to exports that were taken: reports are welcome. Its value is a version of their form. */
export const REPORTS_HEADER = 'spoor-takes-reports'
export const REPORTS_VERSION = '1'
/** Of exports: the report, as JSON in base64url. */
export const REPORT_HEADER = 'spoor-process'
const MAX_CHARS = 8_192
const MAX_TEXT = 200
const MAX_LIST = 60

/** Not to be trusted. Texts have at most 200 characters, lists 60 entries; counts are since the start of the process. */
export interface ProcessFacts {
  /** Random, the same as long as the process lives. */
  readonly id: string
  readonly service: string
  readonly pid: number
  readonly host: string
  /** `@spoor/instrument`, and its surroundings: `Node 24.1.0`. */
  readonly sdk: string
  readonly runtime: string
  /** `http/protobuf http://127.0.0.1:4318/v1/traces`, without a password. */
  readonly exporter: string
  readonly sampler: string
  readonly propagators: string
  /** What is patched, as `express 5.1.0`; and what is, once it is loaded. */
  readonly patched: readonly string[]
  readonly awaited: readonly string[]
  readonly ended: number
  readonly exported: number
  readonly failed: number
  readonly dropped: number
  readonly waiting: number
  readonly notSampled: number
  readonly notSampledByCaller: number
  readonly open: number
  /** Kinds of spans that are open, the most frequent first. */
  readonly neverEnded: readonly { readonly name: string; readonly scope: string; readonly count: number }[]
  /** The first export that failed, in words; `''` where none has. */
  readonly firstError: string
  /** How often it reports, milliseconds. */
  readonly everyMs: number
  /** It ends: nothing more comes from it. With its exit code, 0 for none. */
  readonly goodbye: boolean
  readonly exitCode: number
}

/** Undefined where it is none. */
export function parseProcessReport(header: string): ProcessFacts | undefined {
  if (header.length > MAX_CHARS) return undefined
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(header, 'base64url').toString())
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const fields = value as Readonly<Record<string, unknown>>
  const id = text(fields['id'])
  if (!/^[\w-]{8,64}$/.test(id)) return undefined
  return {
    id,
    service: text(fields['service']),
    pid: count(fields['pid']),
    host: text(fields['host']),
    sdk: text(fields['sdk']),
    runtime: text(fields['runtime']),
    exporter: text(fields['exporter']),
    sampler: text(fields['sampler']),
    propagators: text(fields['propagators']),
    patched: list(fields['patched']).map(text),
    awaited: list(fields['awaited']).map(text),
    ended: count(fields['ended']),
    exported: count(fields['exported']),
    failed: count(fields['failed']),
    dropped: count(fields['dropped']),
    waiting: count(fields['waiting']),
    notSampled: count(fields['notSampled']),
    notSampledByCaller: count(fields['notSampledByCaller']),
    open: count(fields['open']),
    neverEnded: list(fields['neverEnded']).map((kind) => {
      const { name, scope, count: number } = (kind ?? {}) as Readonly<Record<string, unknown>>
      return { name: text(name), scope: text(scope), count: count(number) }
    }),
    firstError: text(fields['firstError']),
    everyMs: Math.min(Math.max(count(fields['everyMs']), 1_000), 600_000),
    goodbye: fields['goodbye'] === true,
    exitCode: count(fields['exitCode']),
  }
}

function text(value: unknown): string {
  // oxlint-disable-next-line no-control-regex -- they are what is taken out.
  return typeof value === 'string' ? value.replaceAll(/[\u0000-\u001f\u007f]/g, ' ').slice(0, MAX_TEXT) : ''
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value.slice(0, MAX_LIST) : []
}
