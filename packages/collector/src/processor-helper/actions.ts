/**
 * What the `attributes` and `resource` processors do with attributes: a list of actions, one after the other. Keys and their meaning are those of
 * the OpenTelemetry Collector's `coreinternal/attraction`.
 */
import { createHash } from 'node:crypto'
import type { AnyValue, Attributes, AttributeStep } from '@spoor/otlp'
import { z } from 'zod'
import { anyValue, section, wordKey, type DeliveryContext } from '../component/index.ts'
import { int64Of, parseDouble, parseInt64 } from './go-numbers.ts'
import { compileRegex, regexProblem } from './regex.ts'
import { text, valueOf, valueText } from './value.ts'

const ACTIONS = ['insert', 'update', 'upsert', 'delete', 'hash', 'extract', 'convert'] as const
const TYPES = ['int', 'double', 'string'] as const

type ActionName = (typeof ACTIONS)[number]
type ConvertedType = (typeof TYPES)[number]

/** Where a value comes from; an action that writes one has exactly one of them, or `default_value` alone. */
const SOURCES = ['value', 'from_attribute', 'from_context'] as const
const CONTENT_KEYS = [...SOURCES, 'default_value', 'pattern', 'converted_type'] as const

/** The keys that an action may have beside `key`; some have no effect there, and the Collector takes them all the same. */
const USED: Readonly<Record<ActionName, readonly (typeof CONTENT_KEYS)[number][]>> = {
  insert: [...SOURCES, 'default_value'],
  update: [...SOURCES, 'default_value'],
  upsert: [...SOURCES, 'default_value'],
  delete: ['pattern', 'from_context', 'default_value'],
  hash: ['pattern', 'from_context', 'default_value'],
  extract: ['pattern', 'default_value'],
  convert: ['converted_type', 'default_value'],
}

const action = section({
  key: z.string().default(''),
  action: wordKey('action', ACTIONS),
  value: anyValue,
  default_value: anyValue,
  from_attribute: z.string().default(''),
  from_context: z.string().default(''),
  pattern: z.string().default(''),
  converted_type: z.string().default(''),
}).superRefine((config, context) => {
  const fail = (key: string, message: string): void =>
    context.addIssue({ code: 'custom', message, path: key === '' ? [] : [key] })
  const { action: name, pattern } = config
  const isSet = (key: (typeof CONTENT_KEYS)[number]): boolean => config[key] !== undefined && config[key] !== ''
  if (config.key === '') {
    if (name !== 'delete' && name !== 'hash') fail('', `${name} needs a "key"`)
    else if (pattern === '') fail('', `${name} needs a "key", a "pattern" of keys, or both`)
  }
  for (const key of CONTENT_KEYS) {
    if (isWritten(config, key) && !USED[name].includes(key)) {
      fail(key, `${name} does not use "${key}"; take it out`)
    }
  }
  if (name === 'insert' || name === 'update' || name === 'upsert') {
    const sources = SOURCES.filter((key) => isWritten(config, key))
    if (sources.length > 1) fail(sources[1]!, `one source of the value only: ${sources.map(quote).join(' or ')}`)
    if (sources.length === 0 && config.default_value === undefined)
      fail('', `${name} needs a "value", "from_attribute", "from_context" or "default_value"`)
  }
  if (name === 'extract' && pattern === '') fail('', 'extract needs a "pattern" with named groups')
  if (pattern !== '' && USED[name].includes('pattern')) {
    const problem = regexProblem(pattern) ?? (name === 'extract' ? groupProblem(pattern) : undefined)
    if (problem !== undefined) fail('pattern', problem)
  }
  if (name === 'convert' && !TYPES.some((type) => type === config.converted_type)) {
    if (isSet('converted_type'))
      fail('converted_type', `"${config.converted_type}": expected one of ${TYPES.join(', ')}`)
    else fail('', `convert needs a "converted_type": ${TYPES.join(', ')}`)
  }
})

export type ActionConfig = z.infer<typeof action>

function isWritten(config: Record<string, unknown>, key: string): boolean {
  // A value may be an empty text, the other keys are then as good as absent.
  return config[key] !== undefined && (config[key] !== '' || key === 'value')
}

function quote(key: string): string {
  return `"${key}"`
}

function groupProblem(pattern: string): string | undefined {
  const { groupNames } = compileRegex(pattern)
  if (groupNames.length === 1) return `${JSON.stringify(pattern)}: it has no named groups; write them as (?P<name>…)`
  if (groupNames.includes('', 1))
    return `${JSON.stringify(pattern)}: each group needs a name; write them as (?P<name>…)`
  return undefined
}

const NO_ACTIONS = 'expected at least one action, as {key: environment, action: insert, value: production}'

/** A list of actions, one at least. */
export const actionsKey = z
  .array(action, NO_ACTIONS)
  .min(1, NO_ACTIONS)
  .describe(
    `One after the other: \`key\`, \`action\` (${ACTIONS.join(', ')}), and by action \`value\`, \`from_attribute\` or \`from_context\` (\`metadata.NAME\`, \`auth.NAME\`, \`client.address\`) with \`default_value\`, \`pattern\` or \`converted_type\` (${TYPES.join(', ')}).`,
  )

export interface AttributeActions {
  /** `context`: of the batch that the attributes are in. */
  apply(attributes: Attributes, context: DeliveryContext): void
}

type Step = AttributeActions['apply']

export function compileActions(configs: readonly ActionConfig[]): AttributeActions {
  const steps = configs.map(compileAction)
  return {
    apply(attributes, context) {
      for (const step of steps) step(attributes, context)
    },
  }
}

/** The actions as steps that are the same for every item and batch; undefined where one of them is not. */
export function constantSteps(configs: readonly ActionConfig[]): AttributeStep[] | undefined {
  const steps = configs.map(constantStep)
  return steps.every((step) => step !== undefined) ? steps : undefined
}

function constantStep(config: ActionConfig): AttributeStep | undefined {
  const { action, key, pattern, value, default_value: fallback, from_attribute: attribute, from_context: name } = config
  if (action === 'delete') return pattern === '' ? { action, key } : undefined
  if (action !== 'insert' && action !== 'update' && action !== 'upsert') return undefined
  if (value !== undefined) return { action, key, value: valueOf(value) }
  if (fallback === undefined || attribute !== '' || name !== '') return undefined
  return { action, key, value: valueOf(fallback) }
}

function compileAction(config: ActionConfig): Step {
  const { action: name, key, pattern } = config
  switch (name) {
    case 'insert':
    case 'update':
    case 'upsert': {
      const source = compileSource(config)
      return (attributes, context) => {
        if (name !== 'upsert' && attributes.has(key) !== (name === 'update')) return
        const value = source(attributes, context)
        if (value !== undefined) attributes.set(key, value)
      }
    }
    case 'delete': {
      const regex = pattern === '' ? undefined : compileRegex(pattern)
      return (attributes) => {
        attributes.delete(key)
        if (regex) attributes.retain((each) => !regex.test(each))
      }
    }
    case 'hash': {
      const regex = pattern === '' ? undefined : compileRegex(pattern)
      return (attributes) => {
        change(attributes, key, hash)
        if (regex) attributes.update((each, value) => (regex.test(each) ? hash(value) : value))
      }
    }
    case 'extract':
      return extraction(key, pattern)
    default:
      return (attributes) => change(attributes, key, (value) => convert(value, config.converted_type as ConvertedType))
  }
}

function change(attributes: Attributes, key: string, to: (value: AnyValue) => AnyValue): void {
  const value = attributes.get(key)
  if (value !== undefined) attributes.set(key, to(value))
}

/** The value that is written; undefined where there is none. */
function compileSource(
  config: ActionConfig,
): (attributes: Attributes, context: DeliveryContext) => AnyValue | undefined {
  if (config.value !== undefined) {
    const value = valueOf(config.value)
    return () => value
  }
  const { from_attribute: attribute, from_context: name } = config
  const fallback = config.default_value === undefined ? undefined : valueOf(config.default_value)
  if (name !== '') return (_, context) => fromContext(context, name) ?? fallback
  if (attribute !== '') return (attributes) => attributes.get(attribute) ?? fallback
  return () => fallback
}

const METADATA = 'metadata.'
const AUTH = 'auth.'

/** What is known of the sender; several values are joined. A name without a prefix is that of a header, too. */
function fromContext({ peer, auth, metadata }: DeliveryContext, name: string): AnyValue | undefined {
  if (name === 'client.address') return text(hostOf(peer ?? ''))
  const values = name.startsWith(AUTH)
    ? auth?.attributes[name.slice(AUTH.length)]
    : metadata.get((name.startsWith(METADATA) ? name.slice(METADATA.length) : name).toLowerCase())
  if (values === undefined) return undefined
  if (typeof values === 'string') return text(values)
  return values.length === 0 ? undefined : text(values.join(';'))
}

/** Of `10.0.0.7:51432` or `[::1]:51432`. */
export function hostOf(peer: string): string {
  return peer.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}

/** SHA-256 in hex of what the value is in bytes; of what has none in this sense, an empty text. */
function hash(value: AnyValue): AnyValue {
  const bytes = hashedBytes(value)
  return text(bytes === undefined ? '' : createHash('sha256').update(bytes).digest('hex'))
}

function hashedBytes(value: AnyValue): string | Buffer | undefined {
  const eight = Buffer.alloc(8)
  switch (value.type) {
    case 'string':
      return value.value
    case 'bool':
      return Buffer.from([value.value ? 1 : 0])
    case 'int':
      eight.writeBigInt64LE(value.value)
      return eight
    case 'double':
      eight.writeDoubleLE(value.value)
      return eight
    default:
      return undefined
  }
}

/** Writes an attribute for each named group of the first match. */
function extraction(key: string, pattern: string): Step {
  const regex = compileRegex(pattern)
  return (attributes) => {
    const source = attributes.text(key)
    const groups = source === undefined ? undefined : regex.match(source)
    groups?.forEach((group, i) => {
      if (i > 0) attributes.set(regex.groupNames[i]!, text(group))
    })
  }
}

/** The value itself where it cannot be converted. */
function convert(value: AnyValue, to: ConvertedType): AnyValue {
  if (to === 'string') return value.type === 'string' ? value : text(valueText(value))
  const number = to === 'int' ? intOf(value) : doubleOf(value)
  if (number === undefined) return value
  return typeof number === 'bigint' ? { type: 'int', value: number } : { type: 'double', value: number }
}

function intOf(value: AnyValue): bigint | undefined {
  if (value.type === 'double') return int64Of(value.value)
  if (value.type === 'bool') return value.value ? 1n : 0n
  return value.type === 'string' ? parseInt64(value.value) : undefined
}

function doubleOf(value: AnyValue): number | undefined {
  if (value.type === 'int' || value.type === 'bool') return Number(value.value)
  return value.type === 'string' ? parseDouble(value.value) : undefined
}
