/** The attributes of series, and the texts by which they are told apart. */
import type { AnyValue, KeyValue } from '@spoor/otlp'
import { SPAN_KINDS, STATUS_CODES, type Dimensions } from '../../connector-helper/index.ts'
import { text, valueText } from '../../processor-helper/index.ts'
import type { SpanMetricsConfig } from './config.ts'

/** What series are made of, of one span. */
export interface Labelled {
  readonly service: string
  readonly name: string
  readonly kind: number
  readonly status: number
  readonly attributes: readonly KeyValue[]
  readonly scope: { readonly name: string; readonly version: string }
  /** Whether its count comes from the trace state. */
  readonly isAdjusted: boolean
}

export class Labels {
  readonly #config: SpanMetricsConfig
  readonly #instance: string
  /** The keys of the usual attributes that are not left out. */
  readonly #has: ReadonlySet<string>

  constructor(config: SpanMetricsConfig, instance: string, usual: readonly string[]) {
    this.#config = config
    this.#instance = instance
    this.#has = new Set(usual.filter((key) => !config.exclude_dimensions.includes(key)))
  }

  /** Whether the span's name tells series apart. */
  get hasName(): boolean {
    return this.#has.has('span.name')
  }

  /** The text of the series of a span, without its dimensions. */
  keyOf(span: Labelled, dimensions: readonly KeyValue[]): string {
    const has = this.#has
    const kind = SPAN_KINDS[span.kind] ?? ''
    const status = STATUS_CODES[span.status] ?? ''
    let key = has.has('service.name') ? span.service : ''
    if (has.has('span.name')) key += `\0${span.name}`
    if (has.has('span.kind')) key += `\0${kind}`
    if (has.has('status.code')) key += `\0${status}`
    for (const dimension of dimensions) key += `\0${dimension.key}:${valueText(dimension.value)}`
    if (this.#config.enable_metrics_sampling_method) key += `\0${methodOf(span)}`
    return key
  }

  attributesOf(span: Labelled, dimensions: readonly KeyValue[]): KeyValue[] {
    const usual = [
      ['service.name', span.service],
      ['span.name', span.name],
      ['span.kind', SPAN_KINDS[span.kind] ?? ''],
      ['status.code', STATUS_CODES[span.status] ?? ''],
      ['collector.instance.id', this.#instance],
    ] as const
    const attributes = new Map<string, AnyValue>(
      usual.filter(([key]) => this.#has.has(key)).map(([key, value]) => [key, text(value)]),
    )
    const { name, version } = span.scope
    if (name !== '' && this.#config.include_instrumentation_scope.includes(name)) {
      attributes.set('span.instrumentation.scope.name', text(name))
      if (version !== '') attributes.set('span.instrumentation.scope.version', text(version))
    }
    if (this.#config.enable_metrics_sampling_method) attributes.set('sampling.method', text(methodOf(span)))
    for (const { key, value } of dimensions) attributes.set(key, value)
    return [...attributes].map(([key, value]) => ({ key, value }))
  }
}

function methodOf({ isAdjusted }: Labelled): string {
  return isAdjusted ? 'extrapolated' : 'counted'
}

/** Those of both lists, one behind the other. */
export function dimensionsOf(
  lists: readonly Dimensions[],
  span: readonly KeyValue[],
  beside: readonly KeyValue[],
): KeyValue[] {
  return lists.flatMap((list) => list.of(span, beside))
}
