/** Contexts: what statements can be about, what each sees of the others, and which one some statements are about that do not say so. */
import type { Signal } from '@spoor/otlp'
import { nearest } from '../component/index.ts'
import { StatementError } from './error.ts'
import type { Owner, PathOwner } from './paths/index.ts'
import type { PathSyntax } from './syntax.ts'

export type ContextName = Owner

/** What statements of a signal can be about, from the outermost. */
export const CONTEXTS: Readonly<Record<Signal, readonly ContextName[]>> = {
  traces: ['resource', 'scope', 'span', 'spanevent'],
  metrics: ['resource', 'scope', 'metric', 'datapoint'],
  logs: ['resource', 'scope', 'log'],
}

/** What each can see: itself, and what it is in. Those of metrics and logs are at the end. */
const SEEN: Readonly<Record<ContextName, readonly Owner[]>> = {
  resource: ['resource'],
  scope: ['scope', 'resource'],
  span: ['span', 'scope', 'resource'],
  spanevent: ['spanevent', 'span', 'scope', 'resource'],
  metric: ['metric', 'scope', 'resource'],
  datapoint: ['datapoint', 'metric', 'scope', 'resource'],
  log: ['log', 'scope', 'resource'],
}

/** How far in it is: resources are at 0, scopes at 1, items at 2, and what is in items at 3. */
export function depthOf(context: ContextName): number {
  return SEEN[context].length - 1
}

/** The one furthest in first: where statements have paths of several, they are about that one. */
const INNERMOST_FIRST: readonly ContextName[] = ['log', 'datapoint', 'metric', 'spanevent', 'span', 'scope', 'resource']

/** Words that a path may begin with, and whose paths follow. */
const WORDS: ReadonlyMap<string, Owner> = new Map<string, Owner>([
  ...(Object.keys(SEEN) as Owner[]).map((name): [string, Owner] => [name, name]),
  ['instrumentation_scope', 'scope'],
])

const SPAN_ENUMS = {
  SPAN_KIND_: ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'],
  STATUS_CODE_: ['UNSET', 'OK', 'ERROR'],
}
const METRIC_ENUMS = {
  AGGREGATION_TEMPORALITY_: ['UNSPECIFIED', 'DELTA', 'CUMULATIVE'],
  METRIC_DATA_TYPE_: ['NONE', 'GAUGE', 'SUM', 'HISTOGRAM', 'EXPONENTIAL_HISTOGRAM', 'SUMMARY'],
}
const POINT_ENUMS = { FLAG_: ['NONE', 'NO_RECORDED_VALUE'] }
const LOG_ENUMS = {
  SEVERITY_NUMBER_: [
    'UNSPECIFIED',
    ...['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((level) => [
      level,
      ...[2, 3, 4].map((n) => `${level}${n}`),
    ]),
  ],
}

const ENUMS: Readonly<Record<ContextName, ReadonlyMap<string, bigint>>> = {
  resource: new Map(),
  scope: new Map(),
  span: enumsOf(SPAN_ENUMS),
  spanevent: enumsOf(SPAN_ENUMS),
  metric: enumsOf(METRIC_ENUMS),
  datapoint: enumsOf({ ...METRIC_ENUMS, ...POINT_ENUMS }),
  log: enumsOf(LOG_ENUMS),
}

function enumsOf(names: Readonly<Record<string, readonly string[]>>): Map<string, bigint> {
  return new Map(
    Object.entries(names).flatMap(([prefix, values]) =>
      values.map((value, index): [string, bigint] => [prefix + value, BigInt(index)]),
    ),
  )
}

/** Throws {@link StatementError}. */
export function enumValue(context: ContextName, name: string, at: number): bigint {
  const value = ENUMS[context].get(name)
  if (value !== undefined) return value
  const meant = nearest(name, ENUMS[context].keys())
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`
  throw new StatementError(at, `unknown name ${name} in the context ${context}${hint}`)
}

export function hasEnum(context: ContextName, name: string): boolean {
  return ENUMS[context].has(name)
}

/** Whose path it is, and how many of its words say so. */
export interface Resolved {
  readonly owner: PathOwner
  readonly words: 0 | 1
}

/** Whose path it says that it is; undefined where it does not. */
export function wordOf({ fields: [first, second] }: PathSyntax): Owner | undefined {
  return second && first!.keys.length === 0 ? WORDS.get(first!.name) : undefined
}

/** Whether it is about the request that a batch came with. */
export function isOfRequest({ fields: [first, second] }: PathSyntax): boolean {
  return first!.name === 'otelcol' && first!.keys.length === 0 && second !== undefined
}

/**
 * Whose path it is for statements of the context. Without a word that says so it is the context's own, but only where the context was written and
 * not inferred. Throws {@link StatementError}.
 */
export function ownerOf(path: PathSyntax, context: ContextName, isInferred: boolean): Resolved {
  const [first] = path.fields
  const word = wordOf(path)
  if (word && SEEN[context].includes(word)) return { owner: word, words: 1 }
  if (isOfRequest(path)) return { owner: 'otelcol', words: 1 }
  if (word) {
    const message = `paths of ${first!.name} cannot be seen in the context ${context}; known: ${SEEN[context].join(', ')}`
    throw new StatementError(path.at, message)
  }
  if (!isInferred) return { owner: context, words: 0 }
  const name = path.fields.map((field) => field.name).join('.')
  const options = SEEN[context].map((owner) => `${owner}.${name}`).join(', ')
  throw new StatementError(path.at, `"${name}" does not say whose it is; write one of ${options}`)
}

/** What statements use that not every context has. */
export interface Used {
  readonly paths: readonly PathSyntax[]
  readonly functions: ReadonlySet<string>
  readonly enums: ReadonlySet<string>
}

/** The context that statements are about which do not say so, among those of the signal; undefined where none can be told. */
export function inferContext(
  used: Used,
  contexts: readonly ContextName[],
  hasFunction: (context: ContextName, name: string) => boolean,
): ContextName | undefined {
  const owners = new Set(used.paths.map(wordOf))
  const innermost = INNERMOST_FIRST.find((name) => owners.has(name))
  if (!innermost || !contexts.includes(innermost)) return undefined
  const candidates = INNERMOST_FIRST.filter((name) => name !== innermost && contexts.includes(name)).filter((name) =>
    SEEN[name].includes(innermost),
  )
  const fits = (name: ContextName): boolean =>
    [...used.functions].every((each) => hasFunction(name, each)) && [...used.enums].every((each) => hasEnum(name, each))
  return [innermost, ...candidates].find(fits) ?? innermost
}
