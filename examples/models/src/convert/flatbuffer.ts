/**
 * Reads FlatBuffers, the container of `.tflite` files: little endian; a table points back to its vtable, which holds
 * the offset of each field from the table's start, 0 for a field that is absent and so has its default. Source: the
 * FlatBuffers "internals" page. Reads beyond the end throw a RangeError.
 */
export class FlatBuffer {
  readonly #view: DataView

  constructor(file: Uint8Array) {
    this.#view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  }

  /** The position of the root table. */
  root(): number {
    return this.#view.getUint32(0, true)
  }

  /** The file identifier, four characters at byte 4. */
  identifier(): string {
    return String.fromCharCode(...[4, 5, 6, 7].map((at) => this.#view.getUint8(at)))
  }

  /** The table that field `field` points to, or `undefined` when it is absent. */
  table(table: number, field: number): number | undefined {
    const at = this.#field(table, field)
    return at === undefined ? undefined : this.#follow(at)
  }

  /** The tables in a vector of tables. */
  tables(table: number, field: number): number[] {
    return this.#vector(table, field, 4).map((at) => this.#follow(at))
  }

  /** A vector of int32. */
  integers(table: number, field: number): number[] {
    return this.#vector(table, field, 4).map((at) => this.#view.getInt32(at, true))
  }

  /** A vector of int64 whose values fit a number. */
  longs(table: number, field: number): number[] {
    return this.#vector(table, field, 8).map((at) => Number(this.#view.getBigInt64(at, true)))
  }

  /** A vector of float32. */
  floats(table: number, field: number): number[] {
    return this.#vector(table, field, 4).map((at) => this.#view.getFloat32(at, true))
  }

  /** A vector of bytes, as a view into the file. */
  bytes(table: number, field: number): Uint8Array {
    const at = this.#field(table, field)
    if (at === undefined) return new Uint8Array()
    const start = this.#follow(at)
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + start + 4, this.#view.getUint32(start, true))
  }

  /** An int8 field. */
  byte(table: number, field: number, fallback = 0): number {
    const at = this.#field(table, field)
    return at === undefined ? fallback : this.#view.getInt8(at)
  }

  /** An int32 field. */
  integer(table: number, field: number, fallback = 0): number {
    const at = this.#field(table, field)
    return at === undefined ? fallback : this.#view.getInt32(at, true)
  }

  #field(table: number, field: number): number | undefined {
    const vtable = table - this.#view.getInt32(table, true)
    const slot = 4 + 2 * field
    if (slot >= this.#view.getUint16(vtable, true)) return undefined
    const offset = this.#view.getUint16(vtable + slot, true)
    return offset === 0 ? undefined : table + offset
  }

  #follow(at: number): number {
    return at + this.#view.getUint32(at, true)
  }

  #vector(table: number, field: number, width: number): number[] {
    const at = this.#field(table, field)
    if (at === undefined) return []
    const start = this.#follow(at)
    const length = this.#view.getUint32(start, true)
    if (start + 4 + length * width > this.#view.byteLength)
      throw new RangeError(`flatbuffer: a vector of ${length} items at byte ${start} reaches beyond the end`)
    return Array.from({ length }, (_, index) => start + 4 + index * width)
  }
}
