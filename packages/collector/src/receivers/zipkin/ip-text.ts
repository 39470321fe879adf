/** Of four bytes, or of the sixteen that some write in their place; empty for others. */
export function ipv4Text(bytes: Uint8Array): string {
  const isMapped = bytes.length === 16 && bytes.subarray(0, 12).every((byte, at) => byte === (at < 10 ? 0 : 0xff))
  return bytes.length === 4 || isMapped ? bytes.subarray(-4).join('.') : ''
}

/** Of sixteen bytes, as RFC 5952 writes them; empty for others. */
export function ipv6Text(bytes: Uint8Array): string {
  if (bytes.length !== 16) return ''
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16)
  const words = Array.from({ length: 8 }, (_, index) => view.getUint16(2 * index).toString(16))
  return new URL(`http://[${words.join(':')}]`).hostname.slice(1, -1)
}
