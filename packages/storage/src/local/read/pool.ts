import type { OperationKey } from '../block/rows.ts'

/** Distinct values in a pool beyond which it begins anew: of operations some 15 MB. */
const MAX_VALUES = 100_000

/** Values of which there is one each: blocks have much the same operations and keys, some thousands of them. */
export class Pool<T> {
  readonly #known = new Map<string, T>()
  readonly #keyOf: (value: T) => string

  /** `keyOf`: what is the same for the same values, and for no others. */
  constructor(keyOf: (value: T) => string) {
    this.#keyOf = keyOf
  }

  /** The same values, those of the pool. */
  shared(values: readonly T[]): T[] {
    return values.map((value) => {
      const key = this.#keyOf(value)
      const known = this.#known.get(key)
      if (known !== undefined) return known
      if (this.#known.size >= MAX_VALUES) this.#known.clear()
      this.#known.set(key, value)
      return value
    })
  }
}

export function operationText({ service, name, kind }: OperationKey): string {
  return `${kind} ${service.length} ${service}${name}`
}
