/** The component types that come with the collector, loaded all: for a program that has its configuration only later, or many of them, and for tests. */
import { builtinComponents } from './components.ts'
import type { Factory } from './component/index.ts'
import { loadAll } from './config/index.ts'

export const builtinFactories: readonly Factory[] = await loadAll(builtinComponents)
