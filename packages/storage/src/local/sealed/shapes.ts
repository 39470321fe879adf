/** Distinct shapes: a template, and of spans an operation and a status with it. */
export class Shapes {
  readonly nodes: number[] = []
  readonly operations: number[] = []
  readonly statuses: number[] = []
  readonly #numbers = new Map<number, number>()

  number(node: number, operation = 0, status = 0): number {
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
