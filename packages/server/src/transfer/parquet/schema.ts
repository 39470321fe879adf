import type { SchemaElement } from 'hyparquet'
import { type AttributeColumn, columnName, type ColumnKind } from './attribute-columns.ts'
import { type ColumnType, EVENT_FIELDS, type FieldOf, LINK_FIELDS, SPAN_COLUMNS } from './span-columns.ts'

/** Columns of the attributes that have none of their own, by level. */
export const REST_COLUMNS = {
  span: 'span_attributes',
  resource: 'resource_attributes',
  scope: 'scope_attributes',
} as const

const TYPE_OF_KIND: Readonly<Record<ColumnKind, ColumnType>> = {
  string: 'text',
  int: 'integer',
  double: 'double',
  bool: 'boolean',
}

/** A file's schema, in the order of its columns, as Parquet flattens it. Source: apache/parquet-format `LogicalTypes.md`. */
export function schemaOf(attributes: readonly AttributeColumn[]): SchemaElement[] {
  const rest = Object.values(REST_COLUMNS)
  return [
    { name: 'spans', num_children: SPAN_COLUMNS.length + attributes.length + rest.length + 2 },
    ...SPAN_COLUMNS.map(({ name, type, nullable }) => element(name, type, nullable)),
    ...attributes.map(({ level, key, kind }) => element(columnName(level, key), TYPE_OF_KIND[kind], true)),
    ...rest.map((name) => element(name, 'text', true)),
    ...list('events', EVENT_FIELDS),
    ...list('links', LINK_FIELDS),
  ]
}

function list<T>(name: string, fields: readonly FieldOf<T>[]): SchemaElement[] {
  return [
    { name, converted_type: 'LIST', logical_type: { type: 'LIST' }, repetition_type: 'REQUIRED', num_children: 1 },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', repetition_type: 'REQUIRED', num_children: fields.length },
    ...fields.map((field) => element(field.name, field.type, field.nullable)),
  ]
}

function element(name: string, type: ColumnType, nullable: true | undefined): SchemaElement {
  const repetition_type = nullable ? 'OPTIONAL' : 'REQUIRED'
  switch (type) {
    case 'text':
      return { name, repetition_type, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } }
    case 'time': {
      const logical_type = { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'NANOS' } as const
      return { name, repetition_type, type: 'INT64', logical_type }
    }
    case 'integer':
      return { name, repetition_type, type: 'INT64' }
    case 'double':
      return { name, repetition_type, type: 'DOUBLE' }
    default:
      return { name, repetition_type, type: 'BOOLEAN' }
  }
}
