import { queryOptions, useQuery } from '@tanstack/react-query'
import { attributesQuery, attributeValuesQuery, operationsQuery, servicesQuery } from '../api/queries.ts'
import { type CompletionContext, rank, serviceOf } from './completion.ts'
import type * as QueryFields from './query-fields.ts'
import { quote } from './search-url.ts'

export interface Choice {
  /** What is shown. */
  readonly label: string
  /** What replaces the term. */
  readonly insert: string
  readonly help?: string
}

const limit = 50
const fieldsQuery = queryOptions({
  queryKey: ['query-fields'],
  queryFn: () => import('./query-fields.ts'),
  staleTime: Infinity,
})

export interface Choices {
  readonly choices: readonly Choice[]
  /** Why those that the store knows are not among them. */
  readonly failure: Error | undefined
}

const none: Choices = { choices: [], failure: undefined }

/** What could stand at the caret: keys, or values of a key as the store knows them. Asks the API only while `open`. */
export function useChoices(context: CompletionContext | undefined, text: string, open: boolean): Choices {
  const ask = open && context !== undefined
  const key = context?.kind === 'value' ? context.key : ''
  const table = useQuery({ ...fieldsQuery, enabled: ask })
  const isAttribute = table.data?.fields.every((field) => field.key !== key)
  const keys = useQuery({ ...attributesQuery, enabled: ask && context.kind === 'key' })
  const isService = key === 'service' || key === 'root.service'
  const isName = key === 'name' || key === 'root.name'
  const services = useQuery({ ...servicesQuery, enabled: ask && isService })
  const operations = useQuery({ ...operationsQuery(serviceOf(text)), enabled: ask && isName })
  const values = useQuery({ ...attributeValuesQuery(key), enabled: ask && key !== '' && isAttribute === true })
  if (!context || !open) return none
  if (!table.data) return { choices: [], failure: table.error ?? undefined }
  if (context.kind === 'key') {
    return { choices: keyChoices(context, table.data, keys.data?.keys ?? []), failure: keys.error ?? undefined }
  }
  const asked = isService ? services : isName ? operations : values
  const known = isService
    ? (services.data?.services ?? [])
    : isName
      ? [...new Set(operations.data?.operations.map((operation) => operation.name))]
      : (table.data.knownValues[key] ?? values.data?.values ?? [])
  const choices = rank(known, context.prefix, limit)
    .filter((value) => value !== context.prefix)
    .map((value) => ({ label: value, insert: `${quote(value)} ` }))
  return { choices, failure: asked.error ?? undefined }
}

function keyChoices(
  context: CompletionContext,
  { fields, ordered }: typeof QueryFields,
  attributes: readonly string[],
): Choice[] {
  const help = new Map(fields.map((field) => [field.key, field.help]))
  const all = [...help.keys(), ...attributes.filter((key) => !help.has(key))]
  return rank(all, context.prefix, limit).map((key) => {
    const text = help.get(key)
    const insert = ordered.has(key) ? `${key}>` : `${key}:`
    return { label: key, insert, ...(text !== undefined && { help: text }) }
  })
}
