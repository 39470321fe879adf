/** What the `redaction` processor does with attributes and with the bodies of log records, and what it tells of that. */
import { createHash, createHmac } from 'node:crypto'
import type { AnyValue, Attributes, KeyValue } from '@spoor/otlp'
import { compileRegex, text, valueText, type Regex } from '../../processor-helper/index.ts'
import type { RedactionConfig } from './config.ts'

/** What has happened to attributes, each with the names under which it is told. */
const OUTCOMES = ['redacted', 'masked', 'allowed', 'ignored'] as const
type Outcome = (typeof OUTCOMES)[number]
type Report = Readonly<Record<Outcome, string[]>>

const MASK = '****'
const SEPARATOR = ','
/** The keys of the account itself, which stay: one collector after another adds to it. */
const OWN_KEYS = ['redacted.keys', 'redacted.count', 'masked.keys', 'masked.count', 'ignored.count']

export class Redactor {
  readonly #config: RedactionConfig
  readonly #allowed: ReadonlySet<string>
  readonly #ignored: ReadonlySet<string>
  readonly #ignoredKeys: readonly Regex[]
  readonly #blockedKeys: readonly Regex[]
  readonly #blockedValues: readonly Regex[]
  readonly #everything = compileRegex('.*')
  readonly #allowedValues: readonly Regex[]
  readonly #mask: (match: string) => string

  constructor(config: RedactionConfig) {
    this.#config = config
    this.#allowed = new Set([...config.allowed_keys, ...OWN_KEYS.map((key) => `redaction.${key}`)])
    this.#ignored = new Set(config.ignored_keys)
    this.#ignoredKeys = config.ignored_key_patterns.map(compileRegex)
    this.#blockedKeys = config.blocked_key_patterns.map(compileRegex)
    this.#blockedValues = config.blocked_values.map(compileRegex)
    this.#allowedValues = config.allowed_values.map(compileRegex)
    this.#mask = maskOf(config)
  }

  attributes(attributes: Attributes): void {
    const report = emptyReport()
    attributes.update((key, value) => {
      const fate = this.#fateOf(key)
      if (fate !== undefined) {
        report[fate].push(key)
        return fate === 'ignored' ? value : undefined
      }
      const before = this.#config.redact_all_types ? valueText(value) : value.type === 'string' ? value.value : ''
      if (matches(this.#allowedValues, before)) {
        report.allowed.push(key)
        return value
      }
      const isBlocked = matches(this.#blockedKeys, key)
      const after = isBlocked ? this.#maskAll(before) : this.#maskParts(before)
      if (!isBlocked && after === before) return value
      report.masked.push(key)
      return text(after)
    })
    this.#tell(report, attributes, 'redaction')
  }

  /** Of a log record: the body as it is to be. What was done is told among the record's attributes. */
  body(body: AnyValue, attributes: Attributes): AnyValue {
    const report = emptyReport()
    const isWhole = body.type !== 'map' && body.type !== 'array'
    const redacted = isWhole ? this.#scalar('body', body, report) : this.#inside('', body, report)
    if (!isWhole || report.allowed.length === 0) this.#tell(report, attributes, 'redaction.body')
    return redacted
  }

  /** `path`: of the list or map, with what separates it from the next key; the value itself where nothing in it changes. */
  #inside(path: string, value: AnyValue, report: Report): AnyValue {
    if (value.type === 'array') {
      const items = value.value.map((item, i) => this.#at(`${path}[${i}]`, item, report))
      return items.every((item, i) => item === value.value[i]) ? value : { type: 'array', value: items }
    }
    if (value.type !== 'map') return value
    let isChanged = false
    const entries: KeyValue[] = []
    for (const entry of value.value) {
      const after = this.#entry(path, entry, report)
      isChanged ||= after !== entry.value
      if (after !== undefined) entries.push(after === entry.value ? entry : { key: entry.key, value: after })
    }
    return isChanged ? { type: 'map', value: entries } : value
  }

  /** Undefined where it goes. */
  #entry(path: string, { key, value }: KeyValue, report: Report): AnyValue | undefined {
    const whole = path + key
    const fate = this.#fateOf(key)
    if (fate !== undefined) {
      report[fate].push(whole)
      return fate === 'ignored' ? value : undefined
    }
    if (!matches(this.#blockedKeys, key)) return this.#at(whole, value, report)
    report.masked.push(whole)
    return text(this.#maskAll(value.type === 'string' ? value.value : ''))
  }

  #at(path: string, value: AnyValue, report: Report): AnyValue {
    const isWhole = value.type !== 'map' && value.type !== 'array'
    return isWhole ? this.#scalar(path, value, report) : this.#inside(`${path}.`, value, report)
  }

  #scalar(path: string, value: AnyValue, report: Report): AnyValue {
    const before = valueText(value)
    if (matches(this.#allowedValues, before)) {
      report.allowed.push(path)
      return value
    }
    const after = this.#maskParts(before)
    if (after === before) return value
    report.masked.push(path)
    return text(after)
  }

  /** What becomes of an attribute whatever its value is. */
  #fateOf(key: string): 'ignored' | 'redacted' | undefined {
    if (this.#ignored.has(key) || matches(this.#ignoredKeys, key)) return 'ignored'
    return this.#config.allow_all_keys || this.#allowed.has(key) ? undefined : 'redacted'
  }

  #maskAll(value: string): string {
    return this.#everything.replaceAll(value, this.#mask)
  }

  #maskParts(value: string): string {
    let masked = value
    for (const regex of this.#blockedValues) masked = regex.replaceAll(masked, this.#mask)
    return masked
  }

  #tell(report: Report, attributes: Attributes, prefix: string): void {
    const { summary } = this.#config
    if (summary !== 'info' && summary !== 'debug') return
    for (const outcome of OUTCOMES) {
      const keys = report[outcome]
      if (keys.length === 0) continue
      if (summary === 'debug' && outcome !== 'ignored') {
        const name = `${prefix}.${outcome}.keys`
        const before = attributes.text(name) || undefined
        const all = [...keys, ...(before?.split(SEPARATOR) ?? [])]
        attributes.set(name, text(all.sort().join(SEPARATOR)))
      }
      const name = `${prefix}.${outcome}.count`
      const before = attributes.get(name)
      const count = BigInt(keys.length) + (before?.type === 'int' ? before.value : 0n)
      attributes.set(name, { type: 'int', value: count })
    }
  }
}

function emptyReport(): Report {
  return { redacted: [], masked: [], allowed: [], ignored: [] }
}

function matches(regexes: readonly Regex[], value: string): boolean {
  return regexes.some((regex) => regex.test(value))
}

function maskOf({ hash_function: name, hmac_key: key }: RedactionConfig): (match: string) => string {
  switch (name) {
    case '':
      return () => MASK
    case 'hmac-sha256':
    case 'hmac-sha512':
      return (match) => createHmac(name.slice('hmac-'.length), key).update(match).digest('hex')
    default:
      return (match) =>
        createHash(name === 'sha3' ? 'sha3-256' : name)
          .update(match)
          .digest('hex')
  }
}
