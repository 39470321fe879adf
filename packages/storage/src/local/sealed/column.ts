/*
 * What a section's columns hold. A column belongs to a level, whose rows are spans, events, links, resources or scopes, and is named by its role: the
 * values of one attribute key in one type, of one field, or a number that every row has.
 */

/** Whose rows a column has values of. Resources and scopes are all the other fields of a `ResourceSpans` and a `ScopeSpans`. */
export const LEVEL = { span: 0, event: 1, link: 2, resource: 3, scope: 4, trace: 5 } as const
export type LevelNumber = (typeof LEVEL)[keyof typeof LEVEL]
export const LEVELS = 6

/** Numbers are written into files: none is ever used for something else. */
export const ROLE = {
  /** Which template and operation a row has; of every row. */
  shape: 0,
  /** Numbers of every row, see `headers` in `table.ts`. `name`: which. */
  header: 1,
  /** `name`: the key. `type`: the tag of the value in its `AnyValue`, or 0 for the whole `AnyValue`, which may be any. */
  attribute: 2,
  /** Whole `KeyValue` messages that are not written as nearly everybody writes them; under any key. */
  odd: 3,
  /** Length-delimited field, the content. `type`: its tag; `name`: the tags of the messages that it is in, if any. */
  field: 4,
  /** The same of a varint. */
  varint: 5,
  /** The same of 4 or 8 bytes. */
  fixed: 6,
  /** How many events, or links, follow one another. `type`: their tag. */
  run: 7,
  /** Messages that are kept as they came. */
  own: 8,
  /** Ids of every row. `type`: bytes of one. */
  id: 9,
} as const
export type Role = (typeof ROLE)[keyof typeof ROLE]

/** Tags of the fields of `AnyValue`. */
export const ANY = { string: 0x0a, bool: 0x10, int: 0x18, double: 0x21, bytes: 0x3a } as const

export interface ColumnName {
  readonly level: LevelNumber
  readonly role: Role
  readonly type: number
  readonly name: Uint8Array
}

/** How a column's values are packed. */
/** `plain`: the bytes one after the other. */
export const CODING = { text: 0, number: 1, double: 2, plain: 3 } as const
export type Coding = (typeof CODING)[keyof typeof CODING]

export function codingOf({ role, type }: ColumnName): Coding {
  if (role === ROLE.id) return CODING.plain
  if (role === ROLE.header || role === ROLE.shape || role === ROLE.run || role === ROLE.varint) return CODING.number
  if (role !== ROLE.attribute) return CODING.text
  return type === ANY.int || type === ANY.bool ? CODING.number : type === ANY.double ? CODING.double : CODING.text
}

function header(level: LevelNumber, name: string): ColumnName {
  return { level, role: ROLE.header, type: 0, name: Buffer.from(name) }
}

const NONE: Uint8Array = new Uint8Array()

/** Columns that every section has. */
export const SPAN_HEADERS = ['start', 'duration', 'parent', 'group'].map((name) => header(LEVEL.span, name))
export const EVENT_HEADERS = [header(LEVEL.event, 'time')]
export const TRACE_HEADERS = ['rows', 'errors', 'start', 'end', 'over', 'longest', 'first', 'root'].map((name) =>
  header(LEVEL.trace, name),
)
/** Columns that sections have since there are these: what the request is, and its row, see `trace-facts.ts`. */
export const REQUEST_HEADERS = ['request', 'request row'].map((name) => header(LEVEL.trace, name))
export const SHAPES: readonly ColumnName[] = [LEVEL.span, LEVEL.event, LEVEL.link, LEVEL.resource, LEVEL.scope].map(
  (level) => ({ level, role: ROLE.shape, type: 0, name: NONE }),
)
export const SPAN_ID: ColumnName = { level: LEVEL.span, role: ROLE.id, type: 8, name: NONE }
export const TRACE_ID: ColumnName = { level: LEVEL.trace, role: ROLE.id, type: 16, name: NONE }
export const STANDING: readonly ColumnName[] = [
  ...SHAPES,
  SPAN_ID,
  TRACE_ID,
  ...SPAN_HEADERS,
  ...EVENT_HEADERS,
  ...TRACE_HEADERS,
  ...REQUEST_HEADERS,
]
