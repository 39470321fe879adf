/** What should come out of a configuration, as a file says it, and what is other. */
import { readFileSync, writeFileSync } from 'node:fs'
import { SpoorError } from '../error.ts'

/** Differences that are told. */
const SHOWN = 40

type Output = Readonly<Record<string, readonly object[]>>

/** By `PIPELINE:EXPORTER`; a file with requests alone is what the only exporter gets. Throws SpoorError `file`. */
export function readExpectation(file: string, exporters: readonly string[]): Output {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new SpoorError('file', `--expect ${file}: ${(error as Error).message}; --update writes it`, { cause: error })
  }
  if (
    Array.isArray(value) ||
    (typeof value === 'object' && value !== null && Object.keys(value).some((key) => key.startsWith('resource')))
  ) {
    const [only, ...others] = exporters
    if (only !== undefined && others.length === 0) return { [only]: [value].flat() }
    throw new SpoorError(
      'file',
      `--expect ${file}: there are several exporters; write {"${only}": [...], "${others[0]}": [...]}`,
    )
  }
  const entries = Object.entries(value as object)
  const unknown = entries.map(([key]) => key).find((key) => !exporters.includes(key))
  if (unknown !== undefined)
    throw new SpoorError('file', `--expect ${file}: there is no "${unknown}"; known: ${exporters.join(', ')}`)
  return Object.fromEntries(entries.map(([key, requests]) => [key, [requests].flat() as object[]]))
}

export function writeExpectation(file: string, output: Output): void {
  writeFileSync(file, `${JSON.stringify(output, undefined, 2)}\n`)
}

/** Lines that say what is missing, what is too much, and what is other. Neither the order of items counts, nor how they are divided into requests. */
export function differences(expected: Output, found: Output): string[] {
  const lines = Object.keys(found).flatMap((exporter) => {
    const wanted = itemsOf(expected[exporter] ?? [])
    const got = itemsOf(found[exporter]!)
    return [
      ...[...wanted].flatMap(([key, item]) => {
        const other = got.get(key)
        if (!other) return [`${exporter}: missing ${key}`]
        return pathsOf(item, other).map((path) => `${exporter}: ${key}: ${path}`)
      }),
      ...[...got.keys()].filter((key) => !wanted.has(key)).map((key) => `${exporter}: not expected ${key}`),
    ]
  })
  return lines.length > SHOWN ? [...lines.slice(0, SHOWN), `and ${lines.length - SHOWN} more`] : lines
}

type Json = Readonly<Record<string, unknown>>

/** Each span, metric or log record with what is around it, by what it can be told by. */
function itemsOf(requests: readonly object[]): Map<string, Json> {
  const items = new Map<string, Json>()
  for (const request of requests as readonly Json[]) {
    for (const [kind, resources] of Object.entries(request)) {
      for (const group of listOf(resources)) {
        const scopes = Object.entries(group).filter(([key]) => /^scope[A-Z]/.test(key))
        for (const scope of scopes.flatMap(([, list]) => listOf(list))) {
          const around = { resource: group['resource'] ?? {}, scope: scope['scope'] ?? {} }
          const own = Object.entries(scope).filter(([, value]) => Array.isArray(value))
          for (const item of own.flatMap(([, list]) => listOf(list))) {
            const value = normal({ ...item, ...around }) as Json
            const name = nameOf(kind, item)
            let key = name
            for (let n = 2; items.has(key); n++) key = `${name} (${n})`
            items.set(key, value)
          }
        }
      }
    }
  }
  return items
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? (value as Json[]) : []
}

function nameOf(kind: string, item: Json): string {
  if (kind === 'resourceSpans')
    return `span ${textOf(item['traceId'])} ${textOf(item['spanId'])} ${JSON.stringify(item['name'] ?? '')}`
  if (kind === 'resourceMetrics') return `metric ${textOf(item['name'])}`
  return `log record ${textOf(item['timeUnixNano'])} ${JSON.stringify(item['body'] ?? {})}`
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '')
}

/** Keys of what may have any type. */
const VALUES = ['value', 'body']

/** Without what means the same as nothing, attributes by their keys, and lists of attributes without order. */
function normal(value: unknown, isValue = false): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => normal(item, isValue))
    return items.every((item) => typeof item === 'object' && item !== null && 'key' in item)
      ? items.toSorted((a, b) => (textOf((a as Json)['key']) < textOf((b as Json)['key']) ? -1 : 1))
      : items
  }
  if (typeof value !== 'object' || value === null) return typeof value === 'number' ? String(value) : value
  const entries = Object.entries(value)
    .map(([key, inner]): [string, unknown] => [key, normal(inner, isValue || VALUES.includes(key))])
    // A value of 0 is another one than false, or none.
    .filter(([, inner]) => isValue || !isNothing(inner))
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function isNothing(value: unknown): boolean {
  if (value === '' || value === '0' || value === false || value === null || value === undefined) return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

/** `attributes.tenant: expected "a", found "b"`, for each place that is other. */
function pathsOf(expected: unknown, found: unknown, path = ''): string[] {
  if (JSON.stringify(expected) === JSON.stringify(found)) return []
  if (!isPlain(expected) || !isPlain(found))
    return [`${path || 'it'}: expected ${textOf(expected)}, found ${textOf(found)}`]
  const wanted = fieldsOf(expected)
  const got = fieldsOf(found)
  return [...new Set([...wanted.keys(), ...got.keys()])].flatMap((key) => {
    const place = path === '' ? key : `${path}.${key}`
    if (!got.has(key)) return [`${place}: expected ${textOf(wanted.get(key))}, found nothing`]
    if (!wanted.has(key)) return [`${place}: expected nothing, found ${textOf(got.get(key))}`]
    return pathsOf(wanted.get(key), got.get(key), place)
  })
}

function isPlain(value: unknown): value is Json | readonly unknown[] {
  return typeof value === 'object' && value !== null
}

/** Fields by their names, attributes by their keys, other lists by their places. */
function fieldsOf(value: Json | readonly unknown[]): Map<string, unknown> {
  if (!Array.isArray(value)) return new Map(Object.entries(value))
  return new Map(
    value.map((item, index): [string, unknown] => {
      const attribute = item as { key?: unknown; value?: unknown }
      return typeof attribute?.key === 'string' ? [attribute.key, attribute.value] : [`[${index}]`, item]
    }),
  )
}
