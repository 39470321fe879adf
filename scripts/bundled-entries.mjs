// Preloaded by the tests: the threads and programs that they start on the sources' entry points run from the bundle, as the program does, which starts
// in a third of the time. What a test imports for itself are the sources.
import { registerHooks } from 'node:module'

const packages = new URL('../packages/', import.meta.url)
const bundled = (name) => new URL(`server/dist/bundle/${name}.js`, packages).href
const ENTRIES = new Map([
  [new URL('server/src/main.ts', packages).href, bundled('main')],
  ...['reader', 'writer', 'sealer'].map((name) => [
    new URL(`storage/src/local/threads/${name}.ts`, packages).href,
    bundled(name),
  ]),
])

const hooks = registerHooks({
  resolve(specifier, context, next) {
    // The first that is resolved without a parent is the entry point.
    if (context.parentURL !== undefined && !context.parentURL.startsWith('data:')) return next(specifier, context)
    const found = next(specifier, context)
    const url = ENTRIES.get(found.url)
    hooks.deregister()
    return url ? { ...found, url, format: 'module' } : found
  },
})
