/**
 * Names of Prometheus, of those of OpenTelemetry.
 * Source: OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility"; where that leaves a choice, as the Collector has it.
 */
import type { PrometheusConfig } from './config.ts'

const UNITS: Readonly<Record<string, string>> = {
  d: 'days',
  h: 'hours',
  min: 'minutes',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  GiBy: 'gibibytes',
  TiBy: 'tibibytes',
  KBy: 'kilobytes',
  MBy: 'megabytes',
  GBy: 'gigabytes',
  TBy: 'terabytes',
  m: 'meters',
  V: 'volts',
  A: 'amperes',
  J: 'joules',
  W: 'watts',
  g: 'grams',
  Cel: 'celsius',
  Hz: 'hertz',
  '1': '',
  '%': 'percent',
}
const PER_UNITS: Readonly<Record<string, string>> = {
  s: 'second',
  m: 'minute',
  h: 'hour',
  d: 'day',
  w: 'week',
  mo: 'month',
  y: 'year',
}

export interface Named {
  readonly name: string
  readonly unit: string
  /** Whether it only grows. */
  readonly isCounter: boolean
  readonly isGauge: boolean
}

/** A name that cannot be told in Prometheus. */
export class NameError extends Error {
  override readonly name = 'NameError'
}

export class Names {
  readonly #namespace: string
  readonly #hasSuffixes: boolean
  readonly #isTranslated: boolean

  constructor({ namespace, translation_strategy: strategy, add_metric_suffixes: hasSuffixes }: PrometheusConfig) {
    this.#namespace = namespace
    this.#hasSuffixes = strategy === '' ? hasSuffixes : strategy.endsWith('WithSuffixes')
    this.#isTranslated = !strategy.startsWith('No')
  }

  /** Throws {@link NameError}. */
  metric(named: Named): string {
    if (!this.#isTranslated) return this.#untranslated(named)
    const name = this.#hasSuffixes ? this.#withSuffixes(named) : this.#plain(named.name)
    if (name === '' || (name !== named.name && /^_*$/.test(name)))
      throw new NameError(`nothing is left of the name "${named.name}"`)
    return name
  }

  /** Throws {@link NameError}. */
  label(key: string): string {
    if (key === '') throw new NameError('an attribute without a name')
    const name = this.#isTranslated ? key.replaceAll(/[^a-zA-Z0-9_]/gu, '_').replace(/^(?=\d)/, 'key_') : key
    if (/^_*$/.test(name)) throw new NameError(`nothing is left of the attribute "${key}"`)
    return name
  }

  /** Of `target_info`. */
  get targetInfo(): string {
    return this.#namespace === '' ? 'target_info' : `${this.label(this.#namespace)}_target_info`
  }

  #plain(text: string): string {
    const tokens = (of: string): string =>
      of
        .split(/[^a-zA-Z0-9:_]+/u)
        .filter(Boolean)
        .join('_')
    if (this.#namespace !== '') return `${tokens(this.#namespace)}_${tokens(text)}`
    return tokens(text).replace(/^(?=\d)/, '_')
  }

  #withSuffixes({ name, unit, isCounter, isGauge }: Named): string {
    let tokens = name.split(/[^a-zA-Z0-9:]+/u).filter(Boolean)
    const [main, per] = suffixesOf(unit).map(cleanUnit) as [string, string]
    const perSuffix = per === 'per_' || tokens.includes(per.replace(/_$/, '')) ? '' : per.replace(/_$/, '')
    let mainSuffix = tokens.includes(main) ? '' : main
    if (perSuffix !== '') mainSuffix = mainSuffix.replace(/_$/, '')
    tokens.push(...[mainSuffix, perSuffix].filter(Boolean))
    if (isCounter) tokens = [...tokens.filter((token) => token !== 'total'), 'total']
    if (unit === '1' && isGauge) tokens = [...tokens.filter((token) => token !== 'ratio'), 'ratio']
    if (this.#namespace !== '') tokens.unshift(this.#namespace)
    return tokens.join('_').replace(/^(?=\d)/, '_')
  }

  #untranslated({ name: given, unit, isCounter, isGauge }: Named): string {
    let name = this.#namespace === '' ? given : `${this.#namespace}_${given}`
    if (!this.#hasSuffixes) return name
    const ends: string[] = []
    const [main, per] = suffixesOf(unit)
    if (unit === '1' && isGauge) {
      name = withoutEnd(name, 'ratio')
      ends.unshift('ratio')
    }
    if (isCounter) {
      name = withoutEnd(name, 'total')
      ends.unshift('total')
    }
    if (per !== '') {
      name = withoutEnd(name, per)
      ends.unshift(per)
    }
    if (main !== '' && !name.endsWith(main)) ends.unshift(main)
    return [name, ...ends].join('_')
  }
}

function suffixesOf(unit: string): [string, string] {
  const at = unit.indexOf('/')
  const [main, per] = at < 0 ? [unit, ''] : [unit.slice(0, at), unit.slice(at + 1)]
  const word = (text: string, words: Readonly<Record<string, string>>): string => {
    const trimmed = text.trim()
    if (/[{}]/.test(trimmed)) return ''
    return Object.hasOwn(words, trimmed) ? words[trimmed]! : trimmed
  }
  const perWord = word(per, PER_UNITS)
  return [word(main, UNITS), perWord === '' ? '' : `per_${perWord}`]
}

function cleanUnit(unit: string): string {
  return unit
    .replaceAll(/[^a-zA-Z0-9:]/gu, '_')
    .replaceAll(/_+/g, '_')
    .replace(/^_/, '')
}

/** Without the word, and what is before it. */
function withoutEnd(name: string, word: string): string {
  return name.endsWith(word) && name.length > word.length + 1 ? name.slice(0, -word.length - 1) : name
}
