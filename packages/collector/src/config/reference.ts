/** What people read of a component's settings: a page in Markdown, made of its schema. */
import type { Factory } from '../component/index.ts'
import { componentSchema, type JsonSchema } from './json-schema.ts'

/** The file of a component's page. */
export function pageName({ kind, type }: Factory): string {
  return `${kind}-${type}.md`
}

/** The page of a component. */
export function componentPage(factory: Factory): string {
  const { kind, type, aliases = [] } = factory
  const signals = factory.kind === 'extension' ? [] : [...factory.signals].map((each) => [each].flat()[0])
  const rows = rowsOf(componentSchema(factory) ?? {}, '')
  const also = aliases.length > 0 ? ` Older names that are still read: ${aliases.map(code).join(', ')}.` : ''
  const takes = signals.length > 0 ? ` For ${signals.join(', ')}.` : ''
  const table =
    rows.length > 0
      ? ['| key | value | default | |', '|---|---|---|---|', ...rows.map((row) => `| ${row.join(' | ')} |`)]
      : ['It has no settings.']
  return `# ${kind} ${code(type)}\n\n<!-- Made from the component's schema by \`npm run docs:components\`. -->\n\n${capital(kind)}.${takes}${also}\n\n${table.join('\n')}\n`
}

/** Keys with their schemas, as text. */
type Known = ReadonlyMap<string, string>

const NOTHING: Known = new Map()

/** `told`: what is left out here, as the items of a list around have the same; `around`: what is left out in lists within. */
function rowsOf(schema: JsonSchema, prefix: string, told = NOTHING, around = NOTHING): string[][] {
  const required = new Set(schema.required)
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => {
    if (told.get(key) === JSON.stringify(inner)) return []
    const name = `${prefix}${key}`
    const usual =
      inner.default === undefined ? (required.has(key) ? '**required**' : '') : code(JSON.stringify(inner.default))
    const row = [code(name), valueOf(inner), usual, (inner.description ?? '').replaceAll('|', '\\|')]
    if (inner.properties) return [row, ...rowsOf(inner, `${name}.`, around, around)]
    const own = Object.entries(inner.items?.properties ?? {}).map(([of, item]): [string, string] => [
      of,
      JSON.stringify(item),
    ])
    return own.length === 0 ? [row] : [row, ...rowsOf(inner.items!, `${name}[].`, around, new Map([...around, ...own]))]
  })
}

function valueOf({ type, enum: choices, minimum, maximum, items, pattern, properties }: JsonSchema): string {
  if (choices) return choices.map((choice) => code(JSON.stringify(choice))).join(', ')
  if (properties) return 'section'
  if (Array.isArray(type)) return pattern ? 'duration, as `200ms` or `1m30s`' : type.join(' or ')
  if (type === 'array') return `list of ${items?.type === 'string' ? 'text' : 'values'}`
  if (type === 'object') return 'mapping'
  if (type === 'integer' || type === 'number')
    return `${type === 'integer' ? 'whole number' : 'number'}${range(minimum, maximum)}`
  return type === 'string' ? 'text' : (type ?? 'any')
}

function range(minimum: number | undefined, maximum: number | undefined): string {
  if (minimum !== undefined && maximum !== undefined) return `, ${minimum}-${maximum}`
  return minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? '' : `, ${minimum} or more`
}

function code(text: string): string {
  return `\`${text}\``
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1)
}
