import type { OperationKey } from '../block/rows.ts'

/** Distinct operations in the pool beyond which it begins anew: some 15 MB. */
const MAX_OPERATIONS = 100_000

/** Operations of which there is one object each: blocks have much the same, some thousands of them. */
export class OperationPool {
  readonly #known = new Map<string, OperationKey>()

  /** The same operations, in the pool's objects. */
  shared(operations: readonly OperationKey[]): OperationKey[] {
    return operations.map((operation) => {
      const key = `${operation.kind} ${operation.service.length} ${operation.service}${operation.name}`
      const known = this.#known.get(key)
      if (known) return known
      if (this.#known.size >= MAX_OPERATIONS) this.#known.clear()
      this.#known.set(key, operation)
      return operation
    })
  }
}
