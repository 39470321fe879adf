// Preloaded by the unit tests: the threads and programs that they start on the sources' entry points run from the bundle, as the program does, which
// starts in a third of the time. What a test imports for itself are the sources.
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

// The entry point is resolved first, and all else is as it is written; but a test's own entry point may go on with one of these.
let isEntry = true
const hooks = registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context)
    if (isEntry && !found.url.endsWith('.test.child.ts')) hooks.deregister()
    isEntry = false
    const url = ENTRIES.get(found.url)
    return url ? { ...found, url, format: 'module' } : found
  },
})
