import {
  type Attributes,
  type AttributeValue,
  type Context,
  type Link,
  type SpanKind,
  trace,
  TraceFlags,
} from '@opentelemetry/api'
import { type Sampler, SamplingDecision, type SamplingResult } from '@opentelemetry/sdk-trace'
import { InstrumentError } from './error.ts'
import type { ExcludeRule } from './options.ts'

type Matcher = (name: string, attributes: Attributes) => boolean

/**
 * Decides for the spans that a rule leaves out and asks the inner sampler about all others. Being a sampler is what
 * makes the whole subtree disappear: a span that is not recorded still has a context, without the sampled flag, and
 * parent-based sampling below it, here and in other services, follows that flag.
 *
 * With an inner sampler that is not parent-based, such as `always_on`, children of an excluded span are recorded
 * again, because that sampler asks for exactly this.
 */
export class ExcludingSampler implements Sampler {
  readonly #inner: Sampler
  readonly #matchers: readonly Matcher[]
  readonly #onUnsampledCaller: () => void
  #excluded = 0
  #notSampled = 0
  #notSampledByCaller = 0

  /** `onUnsampledCaller` is called at each request whose caller had decided against it. */
  constructor(inner: Sampler, rules: readonly ExcludeRule[], onUnsampledCaller: () => void = () => {}) {
    this.#inner = inner
    this.#onUnsampledCaller = onUnsampledCaller
    this.#matchers = rules.map(compileRule)
  }

  /** Spans that a rule left out so far; those beneath them are not counted. */
  get excluded(): number {
    return this.#excluded
  }

  /** Traces that would have begun here, and that the sampler has decided against. */
  get notSampled(): number {
    return this.#notSampled
  }

  /** Requests that came with the caller's decision against them. */
  get notSampledByCaller(): number {
    return this.#notSampledByCaller
  }

  shouldSample(
    context: Context,
    traceId: string,
    name: string,
    kind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): SamplingResult {
    for (const matches of this.#matchers) {
      if (!matches(name, attributes)) continue
      this.#excluded++
      return { decision: SamplingDecision.NOT_RECORD }
    }
    const result = this.#inner.shouldSample(context, traceId, name, kind, attributes, links)
    if (result.decision === SamplingDecision.NOT_RECORD) this.#count(context)
    return result
  }

  /** Spans below one that is not recorded are not counted. */
  #count(context: Context): void {
    const parent = trace.getSpanContext(context)
    if (parent === undefined || !trace.isSpanContextValid(parent)) this.#notSampled++
    else if (parent.isRemote) {
      if ((parent.traceFlags & TraceFlags.SAMPLED) !== 0) this.#notSampled++
      else {
        this.#notSampledByCaller++
        this.#onUnsampledCaller()
      }
    }
  }

  toString(): string {
    return `Excluding{${this.#matchers.length} rules, ${this.#inner.toString()}}`
  }
}

/** Rules of `SPOOR_EXCLUDE`: names separated by commas, `/…/` for a RegExp. A RegExp here cannot hold a comma. */
export function parseExcludeRules(text: string, report: (finding: string) => void): ExcludeRule[] {
  const rules: ExcludeRule[] = []
  for (const entry of text.split(',').map((part) => part.trim())) {
    if (entry === '') continue
    const isPattern = entry.length > 2 && entry.startsWith('/') && entry.endsWith('/')
    try {
      rules.push(isPattern ? new RegExp(entry.slice(1, -1)) : entry)
    } catch (error) {
      report(`SPOOR_EXCLUDE: ${(error as Error).message}; this rule is left out`)
    }
  }
  return rules
}

function compileRule(rule: ExcludeRule, index: number): Matcher {
  if (typeof rule === 'string' || rule instanceof RegExp) return nameMatcher(rule)
  if (typeof rule !== 'object' || rule === null || (rule.name === undefined && rule.attributes === undefined)) {
    throw new InstrumentError(
      'invalid_option',
      `exclude[${index}]: ${JSON.stringify(rule)} matches nothing; give a string, a RegExp, or an object with name or attributes`,
    )
  }
  const matchesName = rule.name === undefined ? undefined : nameMatcher(rule.name)
  const wanted = Object.entries(rule.attributes ?? {})
  return (name, attributes) =>
    (matchesName === undefined || matchesName(name, attributes)) &&
    wanted.every(([key, value]) => {
      const actual = attributes[key]
      // search() does not mind the g and y flags, which make test() remember where it stopped.
      return value instanceof RegExp ? actual !== undefined && textOf(actual).search(value) !== -1 : actual === value
    })
}

function nameMatcher(wanted: string | RegExp): Matcher {
  const equals =
    typeof wanted === 'string' ? (text: string) => text === wanted : (text: string) => text.search(wanted) !== -1
  const anyMethod = typeof wanted === 'string' && wanted.startsWith('/')
  return (name, attributes) => {
    if (equals(name)) return true
    const request = requestOf(attributes)
    return request !== undefined && equals(anyMethod ? request.path : `${request.method} ${request.path}`)
  }
}

/**
 * What an HTTP span asks for as it starts, when its name is no more than the method. Server spans carry the path,
 * client spans the whole URL. Both generations of the semantic conventions are read.
 */
function requestOf(attributes: Attributes): { method: string; path: string } | undefined {
  const method = attributes['http.request.method'] ?? attributes['http.method']
  if (typeof method !== 'string') return undefined
  const target = attributes['url.path'] ?? attributes['http.target']
  if (typeof target === 'string') return { method, path: target.split('?', 1)[0]! }
  const url = attributes['url.full'] ?? attributes['http.url']
  return typeof url === 'string' && URL.canParse(url) ? { method, path: new URL(url).pathname } : undefined
}

function textOf(value: AttributeValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
