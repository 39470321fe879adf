/**
 * Reads four bytes as an unsigned number, low byte first. The order does not matter to its users, only that it is
 * always the same.
 */
export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

/** Big-endian, so that comparing numbers orders ids as their hex digits do. */
export function readU32BE(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

/** FNV-1a over a byte range, 32 bits. */
export function hashRange(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return hash >>> 0
}

/**
 * Negative, zero or positive as the first range sorts before, with or after the second: the shorter first, then byte by
 * byte.
 */
export function compareRanges(bytes: Uint8Array, start: number, end: number, start2: number, end2: number): number {
  const length = end - start
  if (length !== end2 - start2) return length - (end2 - start2)
  for (let i = 0; i < length; i++) {
    const difference = bytes[start + i]! - bytes[start2 + i]!
    if (difference !== 0) return difference
  }
  return 0
}
