import { randomFillSync } from 'node:crypto'

/** Random bytes are asked for by the page: a call costs as much as a page of them. */
const pool = Buffer.allocUnsafeSlow(4_096)
let at = pool.length

/** 32 hex digits. */
export function newTraceId(): string {
  return hex(16)
}

/** 16 hex digits. */
export function newSpanId(): string {
  return hex(8)
}

/** Never all zero, which is no id. */
function hex(size: number): string {
  if (at + size > pool.length) {
    randomFillSync(pool)
    at = 0
  }
  const start = at
  at += size
  if (pool[start] === 0) pool[start] = 1
  return pool.toString('hex', start, at)
}
