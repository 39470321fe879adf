import type { OperationKey } from '../block/rows.ts'

/** Distinct values in a pool beyond which it begins anew: of operations some 15 MB. */
const MAX_VALUES = 100_000

/** Values of which there is one each: blocks have much the same operations and keys, some thousands of them. */
export class Pool<T> {
  readonly #known = new Map<string, T>()
  readonly #keyOf: (value: T) => string
  readonly #maxValues: number

  /** `keyOf`: what is the same for the same values, and for no others; `maxValues`: beyond them the pool begins anew. */
  constructor(keyOf: (value: T) => string, maxValues = MAX_VALUES) {
    this.#keyOf = keyOf
    this.#maxValues = maxValues
  }

  /** The same values, those of the pool. */
  shared(values: readonly T[]): T[] {
    return values.map((value) => this.one(value))
  }

  one(value: T): T {
    const key = this.#keyOf(value)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    if (this.#known.size >= this.#maxValues) this.#known.clear()
    this.#known.set(key, value)
    return value
  }
}

/** What blocks know their services by: nearly all have one of a few sets, of a kilobyte each. */
export function servicesText(services: ReadonlySet<string>): string {
  return JSON.stringify([...services].sort())
}

export function operationText({ service, name, kind }: OperationKey): string {
  return `${kind} ${service.length} ${service}${name}`
}
