/** Counts of one resource. */
import { encodePointAttributes, type AnyValue, type KeyValue, type MetricSeries, type PointData } from '@spoor/otlp'
import { compileConditions, type Conditions, type FailureListener, type Item } from '../../ottl/index.ts'
import { json, valueOf } from '../../processor-helper/index.ts'
import { COUNTED, type CountConfig, type Counted } from './config.ts'

/** Where attributes are looked for. */
export interface Lookup {
  get(key: string): AnyValue | undefined
}

interface Definition {
  readonly name: string
  readonly description: string
  readonly conditions: readonly Conditions[]
  readonly attributes: readonly { readonly key: string; readonly usual: AnyValue | undefined }[]
}

interface Point {
  readonly attributes: Uint8Array
  value: number
}

export function definitionsOf(config: CountConfig, counted: Counted): Definition[] {
  return Object.entries(config[counted]).map(([name, { description, conditions, attributes }]) => {
    const compiled = compileConditions({ conditions, context: COUNTED[counted] }, [COUNTED[counted]])
    return {
      name,
      description,
      conditions: compiled.problems ? [] : compiled.value,
      attributes: attributes.map(({ key, default_value: value }) => ({
        key,
        usual: value === undefined || value === null ? undefined : valueOf(value),
      })),
    }
  })
}

const DELTA = 1

export class Counter {
  readonly #definitions: readonly Definition[]
  readonly #points = new Map<Definition, Map<string, Point>>()
  /** Nanoseconds since 1970; 0 for none. */
  #first = 0n
  #last = 0n

  constructor(definitions: readonly Definition[]) {
    this.#definitions = definitions
  }

  /** Series that it has. */
  get size(): number {
    let size = 0
    for (const points of this.#points.values()) size += points.size
    return size
  }

  /** The time of what is counted. */
  see(time: bigint): void {
    if (time === 0n) return
    if (this.#first === 0n || time < this.#first) this.#first = time
    if (time > this.#last) this.#last = time
  }

  add(item: Item, lookups: readonly Lookup[], failed: FailureListener): void {
    for (const definition of this.#definitions) {
      const attributes = attributesOf(definition, lookups)
      if (!attributes) continue
      const { conditions } = definition
      if (conditions.length > 0 && !conditions.some((each) => each.test(item, failed))) continue
      this.#increment(definition, attributes)
    }
  }

  /** `now`: the time where nothing that was counted has one. */
  metrics(now: bigint): MetricSeries[] {
    const times = this.#first === 0n ? [now, now] : [this.#first, this.#last]
    const [startTimeUnixNano, timeUnixNano] = times as [bigint, bigint]
    return [...this.#points].map(([{ name, description }, points]) => ({
      name,
      description,
      kind: 'sum',
      temporality: DELTA,
      isMonotonic: true,
      points: Array.from(points.values(), (point): PointData => ({ ...point, startTimeUnixNano, timeUnixNano })),
    }))
  }

  #increment(definition: Definition, attributes: readonly KeyValue[]): void {
    let points = this.#points.get(definition)
    if (!points) this.#points.set(definition, (points = new Map<string, Point>()))
    const key = attributes.map(({ value }) => `${value.type} ${json(value)}`).join('\0')
    let point = points.get(key)
    if (!point) points.set(key, (point = { attributes: encodePointAttributes('sum', attributes), value: 0 }))
    point.value++
  }
}

/** Undefined where one is missing; one that is named twice always is, as in the Collector. */
function attributesOf({ attributes }: Definition, lookups: readonly Lookup[]): KeyValue[] | undefined {
  const found = new Map<string, AnyValue>()
  for (const { key, usual } of attributes) {
    let value: AnyValue | undefined
    for (const lookup of lookups) if ((value = lookup.get(key))) break
    value ??= usual
    if (value) found.set(key, value)
  }
  return found.size === attributes.length ? Array.from(found, ([key, value]) => ({ key, value })) : undefined
}
