import { builtinModules, createRequire, register, syncBuiltinESMExports } from 'node:module'
import { register as registerSyncHooks, supportsSyncHooks } from 'import-in-the-middle/register-hooks.mjs'

const require = createRequire(import.meta.url)
/** Packages whose modules are wrapped when an ES module imports them. */
const packages = new Set<string>()
let installed = false

/**
 * Makes `import` of these modules visible to instrumentations, which by themselves only see `require`.
 *
 * Only the named packages are wrapped. Wrapping everything, as the usual loader does, slows down each import and breaks
 * modules that it cannot analyse. Builtin modules need no wrapping: the instrumentation patches the one object that
 * `require` returns, and `syncBuiltinESMExports` carries that over to all importers, those that came earlier too.
 */
export function hookImports(modules: readonly string[]): void {
  const builtins = modules.filter((name) => builtinModules.includes(name))
  for (const name of builtins) require(name)
  if (builtins.length > 0) syncBuiltinESMExports()

  for (const name of modules) if (!builtinModules.includes(name)) packages.add(name)
  if (installed || packages.size === 0) return
  installed = true
  if (supportsSyncHooks()) {
    registerSyncHooks({ shouldInclude: isHooked } as Parameters<typeof registerSyncHooks>[0])
  } else {
    // Runs in Node's loader thread, which gets its list once.
    const names = [...packages].map((name) => name.replaceAll('.', String.raw`\.`))
    register('import-in-the-middle/hook.mjs', import.meta.url, {
      data: { include: [...packages, new RegExp(`/node_modules/(${names.join('|')})/`)] },
    })
  }
}

function isHooked(url: string, specifier: string): boolean {
  if (packages.has(specifier)) return true
  const start = url.lastIndexOf('/node_modules/')
  if (start === -1) return false
  const [first = '', second = ''] = url.slice(start + '/node_modules/'.length).split('/', 2)
  return packages.has(first.startsWith('@') ? `${first}/${second}` : first)
}
