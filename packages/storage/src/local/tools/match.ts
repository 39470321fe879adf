import { hexToBytes, type SpanColumns } from '@spoor/otlp'
import type { Value } from '../block/attribute.ts'
import { StorageError } from '../../contract.ts'
import { compare } from '../read/filter.ts'
import { collectValues, RESOURCE_PLACE, SCOPE_PLACE, SPAN_PLACES, type AttributePlace } from '../read/wire.ts'
import type { DeleteSpec } from './delete.ts'

/** Whether a span, a row of the columns of `bytes`, is one of those that are meant. */
export type SpanMatch = (bytes: Uint8Array, columns: SpanColumns, row: number) => boolean

/** Throws StorageError `bad_query` for what means nothing. */
export function compileMatch(what: DeleteSpec): SpanMatch {
  if ('traceIds' in what) return matchTraces(what.traceIds)
  if (what.from !== undefined && what.to !== undefined && what.from > what.to)
    throw new StorageError('bad_query', `delete: from ${what.from} is after to ${what.to}`)
  return matchAttribute(what)
}

function matchTraces(ids: readonly string[]): SpanMatch {
  const wanted = new Set<string>()
  for (const id of ids) {
    if (!/^[0-9a-f]{32}$/i.test(id))
      throw new StorageError('bad_query', `delete: "${id}" is not a trace id; 32 hex digits`)
    wanted.add(Buffer.from(hexToBytes(id)).toString('latin1'))
  }
  if (wanted.size === 0) throw new StorageError('bad_query', 'delete: no trace id is given')
  return (_bytes, { traceId }, row) =>
    wanted.has(Buffer.from(traceId.buffer, traceId.byteOffset + 16 * row, 16).toString('latin1'))
}

function matchAttribute(what: Extract<DeleteSpec, { attribute: string }>): SpanMatch {
  const { attribute, value, from = 0n, to = 2n ** 64n - 1n } = what
  const key = new TextEncoder().encode(attribute)
  const wanted = typeof value === 'boolean' ? String(value) : value
  const isWanted = (values: readonly Value[]): boolean =>
    wanted === undefined ? values.length > 0 : values.some((found) => compare(found, 'eq', wanted))
  const has = (bytes: Uint8Array, start: number, end: number, place: AttributePlace): boolean => {
    const values: Value[] = []
    collectValues(bytes, start, end, place, key, values)
    return isWanted(values)
  }
  return (bytes, columns, row) => {
    const start = (BigInt(columns.startHi[row]!) << 32n) | BigInt(columns.startLo[row]!)
    if (start < from || start > to) return false
    const spanStart = columns.spanStart[row]!
    const spanEnd = columns.spanEnd[row]!
    return (
      has(bytes, spanStart, spanEnd, SPAN_PLACES.any) ||
      has(bytes, columns.resourceStart[row]!, columns.resourceEnd[row]!, RESOURCE_PLACE) ||
      has(bytes, columns.scopeStart[row]!, columns.scopeEnd[row]!, SCOPE_PLACE)
    )
  }
}
