/** The sections of components: their ids, their factories, their configs. */
import {
  didYouMean,
  Double,
  keysWithoutEffect,
  anyValuesIn,
  type Factory,
  type Kind,
  type KnownFactory,
  type SchemaIssue,
} from '../component/index.ts'
import type { ComponentConfig, FactoryOf } from './config.ts'
import { isMapping } from './merge.ts'
import type { Path } from './places.ts'
import type { ConfigIssue, Source } from './source.ts'
import { instead } from './instead.ts'

const ID = /^([a-zA-Z][0-9a-zA-Z_]{0,62})(?:\/([^\p{Z}\p{C}]{1,1024}))?$/u
/**
 * Text for text, a reference that gave a number may go back to what was written; each round mends one field at least.
 */
const MAX_ROUNDS = 100

/** Reads one section; what is wrong goes to `issues`, and the components that are right are in the result. */
export function readComponents<K extends Kind>(
  kind: K,
  sectionName: string,
  source: Source,
  section: unknown,
  factories: readonly KnownFactory[],
  report: { issue: (issue: ConfigIssue) => void; warning: (issue: ConfigIssue) => void },
): Map<string, ComponentConfig<K>> {
  const components = new Map<string, ComponentConfig<K>>()
  const ofKind = factories.filter((factory) => factory.kind === kind)
  for (const [key, input] of entriesOf(section)) {
    const path = [sectionName, key]
    const slash = key.indexOf('/')
    const id = slash < 0 ? key.trim() : `${key.slice(0, slash).trim()}/${key.slice(slash + 1).trim()}`
    const match = ID.exec(id)
    if (!match?.[1]) {
      report.issue(source.issueAt(path, `not a component id; write type or type/name, like otlp or otlp/2`))
      continue
    }
    if (components.has(id)) {
      report.issue(source.issueAt(path, `duplicate name "${id}" after trimming spaces; rename one of them`))
      continue
    }
    const type = match[1]
    const found = ofKind.find((candidate) => candidate.type === type || candidate.aliases?.includes(type))
    if (!found) {
      const known = ofKind.map((candidate) => candidate.type)
      const hint = instead(kind, type) ?? didYouMean(type, known)
      const message = `unknown ${kind} type "${type}"${hint}; known: ${known.join(', ') || 'none'}`
      report.issue(source.issueAt(path, message))
      continue
    }
    if (!('config' in found)) throw new Error(`${kind} ${type}: its code is not loaded; loadNamed does that`)
    const factory = found as FactoryOf<K>
    if (factory.type !== type) {
      report.warning(source.issueAt(path, `"${type}" alias is deprecated; use "${factory.type}" instead`))
    }
    const parsed = parse(factory, source, path, input, report.issue)
    if (!parsed) continue
    for (const { path: inner, why } of keysWithoutEffect(factory.config, input))
      report.warning(source.issueAt([...path, ...inner], `has no effect: ${why}`))
    components.set(id, { factory, config: freeze(parsed.data) })
  }
  return components
}

/** The config after the schema, or undefined when it is wrong. */
export function parse(
  { config: schema }: Pick<Factory, 'config'>,
  source: Source,
  path: Path,
  input: unknown,
  issue: (issue: ConfigIssue) => void,
): { data: unknown } | undefined {
  let value = withDoubles(input, anyValuesIn(schema, input), path, source)
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const result = schema.safeParse(value)
    if (result.success) return { data: result.data as unknown }
    const { issues } = result.error
    const mended = withOriginals(value, issues, path, source)
    if (mended === undefined) {
      for (const problem of issues) report(problem, value, path, source, issue)
      return undefined
    }
    value = mended
  }
  return undefined
}

/** The config with the numbers of some of its values as they were written: 1.0 is another attribute than 1. */
function withDoubles(input: unknown, values: readonly Path[], path: Path, source: Source): unknown {
  const doubles = values.flatMap((inner) => doublesIn(valueAt(input, inner), inner, path, source))
  if (doubles.length === 0) return input
  const result: unknown = structuredClone(input)
  for (const inner of doubles) {
    const parent = valueAt(result, inner.slice(0, -1)) as Record<string | number, unknown>
    parent[inner.at(-1)!] = new Double(valueAt(input, inner) as number)
  }
  return result
}

function doublesIn(value: unknown, inner: Path, path: Path, source: Source): Path[] {
  if (typeof value === 'number') return source.isDoubleAt([...path, ...inner]) ? [inner] : []
  if (Array.isArray(value)) return value.flatMap((item, i) => doublesIn(item, [...inner, i], path, source))
  return entriesOf(value).flatMap(([key, item]) => doublesIn(item, [...inner, key], path, source))
}

/**
 * A field that wants text gets what the environment holds, not what YAML makes of it (`0123`, not 123). Gives the
 * config with those fields set back, or undefined when there are none.
 */
function withOriginals(value: unknown, issues: readonly SchemaIssue[], path: Path, source: Source): unknown {
  let result: unknown
  for (const issue of issues) {
    if (issue.expected !== 'string') continue
    const inner = issue.path as Path
    const original = source.originalAt([...path, ...inner])
    if (original === undefined || valueAt(value, inner) === original) continue
    result ??= structuredClone(value)
    const parent = valueAt(result, inner.slice(0, -1)) as Record<string | number, unknown>
    parent[inner.at(-1)!] = original
  }
  return result
}

function report(
  problem: SchemaIssue,
  value: unknown,
  path: Path,
  source: Source,
  issue: (issue: ConfigIssue) => void,
): void {
  const inner = problem.path as Path
  if (problem.keys) {
    const messages = problem.message.split('\n')
    problem.keys.forEach((key, index) =>
      issue(source.issueAt([...path, ...inner, key], messages[index] ?? 'unknown key')),
    )
    return
  }
  issue(source.issueAt([...path, ...inner], describe(problem, valueAt(value, inner))))
}

function describe(problem: SchemaIssue, found: unknown): string {
  if (problem.code === 'custom') return problem.message
  const message = problem.message.replace(/^Invalid (input|option): /, '').replace(/, received .*$/, '')
  if (found === undefined) return `is missing; ${message}`
  return `${JSON.stringify(found)}: ${message}`
}

export function entriesOf(section: unknown): [string, unknown][] {
  return isMapping(section) ? Object.entries(section) : []
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const key of path)
    at = typeof at === 'object' && at !== null ? (at as Record<string | number, unknown>)[key] : undefined
  return at
}

export function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) freeze(inner)
  }
  return value
}
