/** What is known of the request that a batch came with: it can be seen from everywhere, and only be read. */
import { hostOf } from '../../processor-helper/index.ts'
import { EvaluationError } from '../error.ts'
import { valueAt } from '../indexing.ts'
import type { Item } from '../node.ts'
import { expectString, list, map, toAny, type Value } from '../value.ts'
import { path, type Path } from './kinds.ts'

const group = (fields: Readonly<Record<string, Path>>): Path => ({
  ...readOnly(() => undefined),
  fields,
  isGroup: true,
})

function readOnly(get: (item: Item) => Value): Path {
  return path(get, () => {
    throw new EvaluationError('what is known of a request cannot be changed')
  })
}

type Texts = string | readonly string[]

function valueOf(texts: Texts): Value {
  return typeof texts === 'string' ? texts : list(texts)
}

/** Texts by name, as a map and one by one. */
function named(
  all: (item: Item) => Iterable<readonly [string, Texts]>,
  one: (item: Item, name: string) => Texts | undefined,
): Path {
  return {
    ...readOnly((item) => map(Array.from(all(item), ([name, texts]) => [name, valueOf(texts)]))),
    at: ([name, ...keys]) =>
      readOnly((item) => {
        const texts = one(item, expectString(name.get(item)))
        if (texts === undefined || (typeof texts !== 'string' && texts.length === 0)) return undefined
        return valueAt(toAny(valueOf(texts))!, keys, item)
      }),
  }
}

const metadata = named(
  ({ delivery }) => delivery.metadata,
  ({ delivery }, name) => delivery.metadata.get(name.toLowerCase()),
)

const authAttributes = named(
  ({ delivery }) => Object.entries(delivery.auth?.attributes ?? {}),
  ({ delivery }, name) => delivery.auth?.attributes[name],
)

export const OTELCOL: Record<string, Path> = {
  client: group({
    addr: readOnly(({ delivery: { peer } }) => (peer === undefined ? undefined : hostOf(peer))),
    auth: group({ attributes: authAttributes }),
    metadata,
  }),
}
