/** Makes snappy, for tests: runs of a byte as copies, all else as it is. */

export function packSnappy(body: Uint8Array): Buffer {
  const parts: Uint8Array[] = [varint(body.length)]
  let at = 0
  while (at < body.length) {
    let run = 1
    while (at + run < body.length && body[at + run] === body[at]) run++
    if (run >= 5) {
      parts.push(literal(body.subarray(at, at + 1)))
      for (let left = run - 1; left > 0; left -= 64) parts.push(Buffer.of(((Math.min(left, 64) - 1) << 2) | 2, 1, 0))
      at += run
      continue
    }
    let end = at + run
    while (end < body.length && !(body[end] === body[end + 1] && body[end] === body[end + 4])) end++
    parts.push(literal(body.subarray(at, end)))
    at = end
  }
  return Buffer.concat(parts)
}

export function packSnappyStream(body: Uint8Array): Buffer {
  const parts: Uint8Array[] = [Buffer.from('ff060000734e61507059', 'hex')]
  for (let at = 0; at < body.length; at += 65_536) {
    const piece = body.subarray(at, at + 65_536)
    const packed = packSnappy(piece)
    const isPacked = packed.length < piece.length
    const data = isPacked ? packed : piece
    const head = Buffer.alloc(8)
    head.writeUInt32LE(((data.length + 4) << 8) | (isPacked ? 0 : 1), 0)
    head.writeUInt32LE(maskedCrc(piece), 4)
    parts.push(head, data)
  }
  return Buffer.concat(parts)
}

function literal(bytes: Uint8Array): Buffer {
  const count = bytes.length - 1
  if (count < 60) return Buffer.concat([Buffer.of(count << 2), bytes])
  const length = Buffer.alloc(4)
  length.writeUInt32LE(count)
  return Buffer.concat([Buffer.of(63 << 2), length, bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = value
  for (; left >= 0x80; left = Math.floor(left / 128)) bytes.push((left & 0x7f) | 0x80)
  return Buffer.from([...bytes, left])
}

function maskedCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  crc = ~crc >>> 0
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}
