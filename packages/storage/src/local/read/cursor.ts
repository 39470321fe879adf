import { StorageError, type Order } from '../../contract.ts'
import type { Position } from './order.ts'

/**
 * Where a page ended, and what the next one needs in order not to begin again at the first: traces that were met on the way and come later, as their
 * blocks are not looked into again.
 */
export interface Cursor {
  readonly order: Order
  readonly after: Position
  /**
   * Ids of traces that come after {@link after}, though what is known of them in blocks looked into already would put them before it. Undefined: there
   * were too many to tell, or not all blocks were looked into that should have been; then those blocks are looked into again.
   */
  readonly stragglers: readonly string[] | undefined
}

/** Ids that a cursor carries: it travels in a URL, each as 22 characters. */
const MAX_STRAGGLERS = 200
const MAX_LENGTH = 8_192

export function encodeCursor({ order, after, stragglers }: Cursor): string {
  const ids =
    stragglers && stragglers.length <= MAX_STRAGGLERS
      ? Buffer.from(stragglers.join(''), 'hex').toString('base64url')
      : null
  return Buffer.from(JSON.stringify([order, after.key.toString(), after.traceId, ids])).toString('base64url')
}

/** Throws StorageError `bad_query` for what is none of this order. */
export function decodeCursor(text: string, order: Order): Cursor {
  const parts = text.length <= MAX_LENGTH ? parse(Buffer.from(text, 'base64url').toString()) : undefined
  const [own, key, traceId, ids] = parts ?? []
  if (own !== order || !isKey(key) || !isId(traceId) || !(ids === null || typeof ids === 'string')) {
    throw new StorageError(
      'bad_query',
      `cursor: not one of an earlier page with order ${order}; start without a cursor`,
    )
  }
  return { order, after: { key: BigInt(key), traceId }, stragglers: ids === null ? undefined : idsIn(ids) }
}

function idsIn(text: string): string[] {
  return Buffer.from(text, 'base64url').toString('hex').match(/.{32}/g) ?? []
}

function parse(text: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isKey(value: unknown): value is string {
  return typeof value === 'string' && /^-?\d{1,40}$/.test(value)
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{32}$/.test(value)
}
