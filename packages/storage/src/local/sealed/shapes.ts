import type { Source } from './source.ts'

/** Distinct shapes: a template, and of spans an operation and a status with it. */
export class Shapes {
  readonly nodes: number[] = []
  readonly operations: number[] = []
  readonly statuses: number[] = []
  readonly #numbers = new Map<number, number>()
  /** By node: the shape that the last one had. */
  readonly #last: Int32Array

  /** `templates`: their number is below this. */
  constructor(templates: number) {
    this.#last = new Int32Array(templates).fill(-1)
  }

  number(node: number, operation = 0, status = 0): number {
    const last = this.#last[node]!
    if (last >= 0 && this.operations[last] === operation && this.statuses[last] === status) return last
    return (this.#last[node] = this.#find(node, operation, status))
  }

  /** Puts the numbers of the rows `[from, to)`, whose templates `nodes` has. `spans`: which they are, in their order; undefined: they are none. */
  putAll(nodes: Uint32Array, from: number, to: number, shape: Uint32Array, spans?: Source): void {
    if (!spans) {
      for (let i = from; i < to; i++) shape[i] = this.number(nodes[i]!)
      return
    }
    const { order, operation, columns } = spans
    const { status } = columns
    for (let i = from; i < to; i++) {
      const row = order[i]!
      shape[i] = this.number(nodes[i]!, operation[row], status[row])
    }
  }

  #find(node: number, operation: number, status: number): number {
    // All three have no more than 2^16, 2^25 and 2^8 values.
    const key = (operation * 2 ** 16 + node) * 2 ** 8 + status
    let number = this.#numbers.get(key)
    if (number === undefined) {
      this.#numbers.set(key, (number = this.nodes.push(node) - 1))
      this.operations.push(operation)
      this.statuses.push(status)
    }
    return number
  }
}
