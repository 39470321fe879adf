/**
 * The text of version 0.0.4 that Prometheus reads, and OpenMetrics 1.0.
 * Sources: prometheus.io/docs/instrumenting/exposition_formats, prometheus.io/docs/specs/om/open_metrics_spec.
 */
import type { Exemplar } from '@spoor/otlp'
import type { Family, Labels, Sample } from './families.ts'

export interface Format {
  readonly isOpenMetrics: boolean
  /** Whether names may have any characters, in quotes; else `_` is written for those that were none of Prometheus before. */
  readonly isUtf8: boolean
}

/** What a client asks for. */
export function formatFor(accept: string, hasOpenMetrics: boolean): Format {
  const isUtf8 = /escaping=allow-utf-8/i.test(accept)
  return { isOpenMetrics: hasOpenMetrics && /application\/openmetrics-text/i.test(accept), isUtf8 }
}

export function contentType({ isOpenMetrics, isUtf8 }: Format): string {
  const type = isOpenMetrics ? 'application/openmetrics-text; version=1.0.0' : 'text/plain; version=0.0.4'
  return `${type}; charset=utf-8; escaping=${isUtf8 ? 'allow-utf-8' : 'underscores'}`
}

export function textOf(families: readonly Family[], format: Format): string {
  const parts = families.map((family) => new FamilyText(family, format).toString())
  return parts.join('') + (format.isOpenMetrics ? '# EOF\n' : '')
}

class FamilyText {
  readonly #family: Family
  readonly #format: Format
  readonly #name: string
  #text = ''

  constructor(family: Family, format: Format) {
    this.#family = family
    this.#format = format
    this.#name = format.isUtf8 ? family.name : legacy(family.name)
  }

  toString(): string {
    const { type, help, samples } = this.#family
    const { isOpenMetrics } = this.#format
    const isPlainCounter = type === 'counter' && !this.#name.endsWith('_total')
    const name = isOpenMetrics && type === 'counter' ? this.#name.replace(/_total$/, '') : this.#name
    const head = this.#isQuoted(name) ? `"${escape(name)}"` : name
    this.#text = `# HELP ${head} ${isOpenMetrics ? escape(help) : help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`
    this.#text += `# TYPE ${head} ${isOpenMetrics && isPlainCounter ? 'unknown' : type}\n`
    for (const sample of samples) this.#add(sample)
    return this.#text
  }

  #add(sample: Sample): void {
    const { labels, value, sum, buckets, quantiles, exemplars, time } = sample
    if (buckets) {
      const last = exemplarsOf(buckets, exemplars)
      for (const [i, [bound, count]] of buckets.entries())
        this.#line('_bucket', [...labels, ['le', this.#float(bound)]], String(count), time, last[i])
      this.#line('_bucket', [...labels, ['le', '+Inf']], String(value), time, last[buckets.length])
    } else if (quantiles) {
      for (const [quantile, at] of quantiles)
        this.#line('', [...labels, ['quantile', this.#float(quantile)]], this.#float(at), time)
    } else {
      this.#line('', labels, this.#float(value), time, exemplars.at(-1))
      return
    }
    this.#line('_sum', labels, this.#float(sum ?? 0), time)
    this.#line('_count', labels, String(value), time)
  }

  #line(end: string, labels: Labels, value: string, time: number | undefined, exemplar?: Exemplar): void {
    const name = this.#name + end
    const isQuoted = this.#isQuoted(name)
    const pairs = labels.map(([key, text]) => `${this.#label(key)}="${escape(text)}"`)
    if (isQuoted) pairs.unshift(`"${escape(name)}"`)
    const inner = pairs.length === 0 ? '' : `{${pairs.join(',')}}`
    const at = time === undefined ? '' : ` ${this.#format.isOpenMetrics ? openFloat(time / 1000) : time}`
    this.#text += `${isQuoted ? '' : name}${inner} ${value}${at}${this.#exemplar(exemplar)}\n`
  }

  #exemplar(exemplar: Exemplar | undefined): string {
    if (!exemplar || !this.#format.isOpenMetrics) return ''
    const { traceId, spanId, asDouble, asInt, timeUnixNano } = exemplar
    const labels = [
      ['span_id', spanId],
      ['trace_id', traceId],
    ].filter(([, id]) => id !== '')
    const pairs = labels.map(([key, id]) => `${key}="${id}"`).join(',')
    const value = asInt === undefined ? (asDouble ?? 0) : Number(asInt)
    return ` # {${pairs}} ${openFloat(value)} ${openFloat(Number(timeUnixNano) / 1e9)}`
  }

  #isQuoted(name: string): boolean {
    return !/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)
  }

  #label(key: string): string {
    if (/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(key)) return key
    return this.#format.isUtf8 ? `"${escape(key)}"` : legacy(key).replaceAll(':', '_')
  }

  #float(value: number): string {
    return this.#format.isOpenMetrics ? openFloat(value) : goFloat(value)
  }
}

/** The last one of each bucket. */
function exemplarsOf(
  buckets: readonly (readonly [number, number])[],
  exemplars: readonly Exemplar[],
): (Exemplar | undefined)[] {
  const last: (Exemplar | undefined)[] = []
  for (const exemplar of exemplars) {
    const value = exemplar.asInt === undefined ? (exemplar.asDouble ?? 0) : Number(exemplar.asInt)
    const at = buckets.findIndex(([bound]) => bound >= value)
    last[at < 0 ? buckets.length : at] = exemplar
  }
  return last
}

function legacy(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_:]/gu, '_').replace(/^\d/, '_')
}

function escape(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}

function openFloat(value: number): string {
  const text = goFloat(value)
  return /^-?\d+$/.test(text) ? `${text}.0` : text
}

/** As few digits as tell it from its neighbours; an exponent below -4 and from a million on. */
export function goFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const [digits = '', power = ''] = value.toExponential().split('e')
  const exponent = Number(power)
  if (exponent < -4 || exponent >= 6)
    return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
  return String(value)
}
