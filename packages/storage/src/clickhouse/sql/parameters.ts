/** Values of a statement. They are sent beside it, and never stand in its text. */
export class Parameters {
  readonly values: Record<string, unknown> = {}
  #count = 0

  /** What stands for the value in the statement. */
  add(type: 'String' | 'Float64' | 'UInt64' | 'Int64' | 'UInt32' | 'Array(String)', value: unknown): string {
    const name = `p${this.#count++}`
    this.values[name] = value
    return `{${name}:${type}}`
  }

  text(value: string): string {
    return this.add('String', value)
  }

  /** Of 64 bits, as text: the client has no other form in which all of them are exact. */
  uint64(value: bigint): string {
    return this.add('UInt64', String(value))
  }
}
