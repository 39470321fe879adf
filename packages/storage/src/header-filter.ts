import type { Field, Filter } from './contract.ts'

const FIELDS: ReadonlySet<Field> = new Set([
  'service',
  'name',
  'kind',
  'status',
  'duration',
  'start',
  'traceId',
  'spanId',
  'parentId',
])

/** Whether a filter can be told of the header of a span: then it is true of all spans, or of none, that have the same. */
export function isFilterOfHeaders(filter: Filter): boolean {
  switch (filter.op) {
    case 'and':
    case 'or':
      return filter.args.every(isFilterOfHeaders)
    case 'not':
      return isFilterOfHeaders(filter.arg)
    case 'word':
      return false
    default:
      return 'field' in filter.target && FIELDS.has(filter.target.field)
  }
}
