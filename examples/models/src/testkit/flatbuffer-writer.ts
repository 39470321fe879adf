/**
 * Writes FlatBuffers for tests of the reader: tables, vectors and numbers, laid out front to back. Fields are given by
 * their number; what is absent gets no place in the vtable.
 */

/** A field's value. Numbers say how wide they are. */
type Field =
  | { readonly byte: number }
  | { readonly integer: number }
  | { readonly integers: readonly number[] }
  | { readonly longs: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly bytes: Uint8Array }
  | { readonly table: Table }
  | { readonly tables: readonly Table[] }

/** Fields by number. */
export type Table = Readonly<Record<number, Field>>

/** Writes a file with `root` as its root table and a four-letter identifier. */
export function writeFlatBuffer(root: Table, identifier: string): Uint8Array {
  const chunks: Buffer[] = []
  let size = 0
  const append = (chunk: Buffer): number => {
    const at = size
    const padded = Buffer.concat([chunk, Buffer.alloc((8 - (chunk.length % 8)) % 8)])
    chunks.push(padded)
    size += padded.length
    return at
  }
  // Offsets are unsigned: what a field points to comes after it, and the field is filled in at the end.
  const offsets: { at: number; to: number }[] = []

  const vector = (count: number, items: Buffer): number => {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(count)
    return append(Buffer.concat([length, items]))
  }
  const place = (field: Field): number | undefined => {
    if ('integers' in field) return vector(field.integers.length, bytesOf(Int32Array.from(field.integers)))
    if ('longs' in field) return vector(field.longs.length, bytesOf(BigInt64Array.from(field.longs.map(BigInt))))
    if ('floats' in field) return vector(field.floats.length, bytesOf(Float32Array.from(field.floats)))
    if ('bytes' in field) return vector(field.bytes.length, Buffer.from(field.bytes))
    if ('table' in field) return table(field.table)
    if (!('tables' in field)) return undefined
    const at = vector(field.tables.length, Buffer.alloc(field.tables.length * 4))
    for (const [index, item] of field.tables.entries()) offsets.push({ at: at + 4 + index * 4, to: table(item) })
    return at
  }
  const table = (fields: Table): number => {
    const entries = Object.entries(fields).map(([number, field]) => ({ number: Number(number), field }))
    const last = Math.max(-1, ...entries.map(({ number }) => number))
    const vtable = Buffer.alloc(4 + 2 * (last + 1))
    const body = Buffer.alloc(4 + 4 * entries.length)
    vtable.writeUInt16LE(vtable.length, 0)
    vtable.writeUInt16LE(body.length, 2)
    for (const [index, { number, field }] of entries.entries()) {
      vtable.writeUInt16LE(4 + 4 * index, 4 + 2 * number)
      if ('byte' in field) body.writeInt8(field.byte, 4 + 4 * index)
      if ('integer' in field) body.writeInt32LE(field.integer, 4 + 4 * index)
    }
    const vtableAt = append(vtable)
    body.writeInt32LE(size - vtableAt, 0)
    const at = append(body)
    for (const [index, { field }] of entries.entries()) {
      const to = place(field)
      if (to !== undefined) offsets.push({ at: at + 4 + 4 * index, to })
    }
    return at
  }

  append(Buffer.concat([Buffer.alloc(4), Buffer.from(identifier)]))
  offsets.push({ at: 0, to: table(root) })
  const file = Buffer.concat(chunks)
  for (const { at, to } of offsets) file.writeUInt32LE(to - at, at)
  return file
}

function bytesOf(values: Int32Array | BigInt64Array | Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength)
}
