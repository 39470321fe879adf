/** Which component types a configuration names; only their code is loaded. */
import type { DeferredFactory, Factory, KnownFactory } from '../component/index.ts'
import { entriesOf } from './components.ts'
import { isMapping } from './merge.ts'

/**
 * The same component types in the same order, loaded where the configuration has a section of that type, by this name or an older one. `root`: the whole configuration,
 * as plain values, which may be wrong in any way.
 */
export async function loadNamed(known: readonly KnownFactory[], root: unknown): Promise<readonly KnownFactory[]> {
  return Promise.all(known.map(async (one) => (isDeferred(one) && isNamed(one, root) ? one.load() : one)))
}

/** All of them, loaded. */
export async function loadAll(known: readonly KnownFactory[]): Promise<readonly Factory[]> {
  return Promise.all(known.map(async (one) => (isDeferred(one) ? one.load() : one)))
}

export function isDeferred(factory: KnownFactory): factory is DeferredFactory {
  return 'load' in factory
}

function isNamed({ kind, type, aliases = [] }: DeferredFactory, root: unknown): boolean {
  const section = isMapping(root) ? root[`${kind}s`] : undefined
  return entriesOf(section).some(([id]) => [type, ...aliases].includes(id.split('/')[0]!.trim()))
}
