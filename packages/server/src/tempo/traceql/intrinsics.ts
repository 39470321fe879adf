import { INTRINSICS, type Intrinsic, type ValueType } from './ast.ts'

/** What each is of; `undefined`: it only compares with `nil`. */
export const TYPES: Readonly<Record<Intrinsic, ValueType | undefined>> = {
  name: 'string',
  status: 'status',
  statusMessage: 'string',
  kind: 'kind',
  duration: 'number',
  parent: undefined,
  childCount: 'number',
  traceDuration: 'number',
  rootName: 'string',
  rootServiceName: 'string',
  nestedSetLeft: 'number',
  nestedSetRight: 'number',
  nestedSetParent: 'number',
  'trace:id': 'string',
  'span:id': 'string',
  'span:parentID': 'string',
  'event:name': 'string',
  'event:timeSinceStart': 'number',
  'link:traceID': 'string',
  'link:spanID': 'string',
  'instrumentation:name': 'string',
  'instrumentation:version': 'string',
}

/** Those without a scope before them, by how they are written. */
export const INTRINSIC_OF: ReadonlyMap<string, Intrinsic> = new Map(
  INTRINSICS.filter((name) => !name.includes(':')).map((name) => [name, name]),
)

/** The others, and the other names of some. */
export const SCOPED: ReadonlyMap<string, Intrinsic> = new Map<string, Intrinsic>([
  ...INTRINSICS.filter((name) => name.includes(':')).map((name) => [name, name] as const),
  ['trace:duration', 'traceDuration'],
  ['trace:rootName', 'rootName'],
  ['trace:rootService', 'rootServiceName'],
  ['span:name', 'name'],
  ['span:status', 'status'],
  ['span:statusMessage', 'statusMessage'],
  ['span:kind', 'kind'],
  ['span:duration', 'duration'],
  ['span:childCount', 'childCount'],
])

export const STATUSES = ['unset', 'ok', 'error'] as const
export const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const
