/** The few small messages that gRPC's own services have: fields by number, of the types that they use. */

export type FieldValue = string | number | Uint8Array | readonly FieldValue[]

/** A message with these fields; a list is a field that repeats, `undefined` one that is not there. */
export function writeMessage(fields: Readonly<Record<number, FieldValue | undefined>>): Buffer {
  const parts: Uint8Array[] = []
  for (const [number, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? (value as readonly FieldValue[]) : [value]) {
      if (one === undefined) continue
      if (typeof one === 'number') parts.push(varint(Number(number) * 8), varint(one))
      else {
        const bytes = typeof one === 'string' ? Buffer.from(one) : (one as Uint8Array)
        parts.push(varint(Number(number) * 8 + 2), varint(bytes.length), bytes)
      }
    }
  }
  return Buffer.concat(parts)
}

/** Fields by number: numbers, and bytes of those with a length; the last of each. Throws an Error where it is no message. */
export function readMessageFields(bytes: Buffer): ReadonlyMap<number, number | Buffer> {
  const fields = new Map<number, number | Buffer>()
  let at = 0
  const next = (): number => {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++]
      if (byte === undefined) throw new Error('it ends in the middle')
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new Error('a number is too long')
  }
  while (at < bytes.length) {
    const tag = next()
    const kind = tag % 8
    if (kind === 0) fields.set(Math.floor(tag / 8), next())
    else if (kind === 2) {
      const end = next() + at
      if (end > bytes.length) throw new Error('it ends in the middle')
      fields.set(Math.floor(tag / 8), bytes.subarray(at, end))
      at = end
    } else throw new Error(`a field of wire type ${kind}`)
  }
  return fields
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let left = value
  for (; left >= 0x80; left = Math.floor(left / 128)) bytes.push((left % 128) | 0x80)
  return Uint8Array.from([...bytes, left])
}
