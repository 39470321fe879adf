/** How many exceptions there were, by service, span and what else is wanted: one metric, `exceptions`, that goes up from the start on. */
import {
  encodePointAttributes,
  encodeSeries,
  hexToBytes,
  type AnyValue,
  type ExemplarData,
  type PointData,
} from '@spoor/otlp'
import { text, valueText } from '../../processor-helper/index.ts'
import { usualOf, valueOfDimension, type Dimension, type Exception } from './find.ts'

/** Series of one connector. Messages of exceptions are often another each time. */
const MAX_SERIES = 20_000
const OVERFLOW = 'otel.metric.overflow'
const CUMULATIVE = 2
const NS_PER_MS = 1_000_000n

interface Series extends PointData {
  value: number
  exemplars: ExemplarData[]
}

export class ExceptionCounts {
  readonly #dimensions: readonly Dimension[]
  readonly #hasExemplars: boolean
  readonly #startTimeUnixNano: bigint
  readonly #maxSeries: number
  readonly #series = new Map<string, Series>()
  #overflow: Series | undefined

  /** `now`: milliseconds since 1970. */
  constructor(dimensions: readonly Dimension[], hasExemplars: boolean, now: number, maxSeries = MAX_SERIES) {
    this.#dimensions = dimensions
    this.#hasExemplars = hasExemplars
    this.#startTimeUnixNano = BigInt(now) * NS_PER_MS
    this.#maxSeries = maxSeries
  }

  get size(): number {
    return this.#series.size
  }

  /** False where it is counted with all that is beyond the limit. */
  add(exception: Exception): boolean {
    const series = this.#seriesOf(exception)
    series.value++
    const { traceId, spanId } = exception
    if (this.#hasExemplars && traceId !== '')
      series.exemplars.push({ traceId: hexToBytes(traceId), spanId: hexToBytes(spanId), value: series.value })
    return series !== this.#overflow
  }

  /** All of them; `now`: milliseconds since 1970. */
  encode(now: number): { readonly bytes: Uint8Array; readonly points: number } {
    const points = [...this.#series.values(), ...(this.#overflow ? [this.#overflow] : [])]
    const metric = {
      name: 'exceptions',
      kind: 'sum',
      temporality: CUMULATIVE,
      isMonotonic: true,
      points,
    } as const
    const resources = [{ attributes: [], scope: 'exceptionsconnector', metrics: [metric] }]
    const bytes = encodeSeries(resources, BigInt(now) * NS_PER_MS)
    if (this.#hasExemplars) for (const series of points) series.exemplars = []
    return { bytes, points: points.length }
  }

  #seriesOf(exception: Exception): Series {
    const usual = usualOf(exception)
    const more = this.#dimensions.map((dimension) => valueOfDimension(dimension, exception))
    const texts = more.flatMap((value) => (value ? [valueText(value)] : []))
    const key = [...usual.map(([, value]) => value), ...texts].join('\0')
    const known = this.#series.get(key)
    if (known) return known
    if (this.#series.size >= this.#maxSeries)
      return (this.#overflow ??= this.#begin(new Map<string, AnyValue>([[OVERFLOW, { type: 'bool', value: true }]])))
    const attributes = new Map<string, AnyValue>(usual.map(([name, value]) => [name, text(value)]))
    for (const [index, value] of more.entries()) if (value) attributes.set(this.#dimensions[index]!.name, value)
    const series = this.#begin(attributes)
    this.#series.set(key, series)
    return series
  }

  #begin(attributes: ReadonlyMap<string, AnyValue>): Series {
    return {
      attributes: encodePointAttributes(
        'sum',
        Array.from(attributes, ([key, value]) => ({ key, value })),
      ),
      startTimeUnixNano: this.#startTimeUnixNano,
      value: 0,
      exemplars: [],
    }
  }
}
