import { resourceStartOf, spanIdOf, spanOf, type SpanDetail } from '../access.ts'
import type { Trace } from '../model.ts'
import { HOST_KEYS } from '../skew.ts'
import { at } from './at.ts'

/** A trace as rules look at it: a span is decoded once, however many of them ask. */
export class SeenTrace {
  readonly trace: Trace
  readonly #details = new Map<number, SpanDetail>()
  /** By where they stand in the bytes. */
  readonly #resources = new Map<number, ReadonlyMap<string, string>>()

  constructor(trace: Trace) {
    this.trace = trace
  }

  detail(row: number): SpanDetail {
    let detail = this.#details.get(row)
    if (!detail) this.#details.set(row, (detail = spanOf(this.trace, row)))
    return detail
  }

  service(row: number): string {
    return this.trace.services[this.trace.service[row]!]!
  }

  name(row: number): string {
    return this.trace.names[this.trace.name[row]!]!
  }

  spanId(row: number): string {
    return spanIdOf(this.trace, row)
  }

  /** Milliseconds since 1970. */
  startMs(row: number): number {
    return Number(this.trace.start / 1_000n) / 1e3 + this.trace.startNs[row]! / 1e6
  }

  /** The first of these attributes of a span that there is, as text. */
  attribute(row: number, ...keys: readonly string[]): string | undefined {
    const { attributes } = this.detail(row).span
    for (const key of keys) {
      const value = attributes.find((one) => one.key === key)?.value
      if (value?.type === 'string') return value.value
      if (value?.type === 'int' || value?.type === 'double') return String(value.value)
    }
    return undefined
  }

  /** What has the clock that a span was timed by: the host, else the instance, where the resource says it; '' where it does not. */
  host(row: number): string {
    return this.resource(row, HOST_KEYS)
  }

  /** The first of these attributes of the span's resource that there is, as text; '' where there is none. */
  resource(row: number, keys: readonly string[]): string {
    const texts = at(this.#resources, resourceStartOf(this.trace, row), () => {
      const { attributes } = this.detail(row).resource
      return new Map(
        attributes.flatMap(({ key, value }) =>
          value?.type === 'string' || value?.type === 'int' ? [[key, String(value.value)]] : [],
        ),
      )
    })
    for (const key of keys) {
      const text = texts.get(key)
      if (text !== undefined) return text
    }
    return ''
  }
}
