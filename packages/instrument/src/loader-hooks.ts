import { builtinModules, register, syncBuiltinESMExports } from 'node:module'
import { pathToFileURL } from 'node:url'
import type * as ImportInTheMiddle from 'import-in-the-middle'
import type * as SyncHooks from 'import-in-the-middle/register-hooks.mjs'
import { ownRequire } from './own-require.ts'

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
export function hookImports(modules: readonly string[], report: (finding: string) => void): void {
  const builtins = modules.filter((name) => builtinModules.includes(name))
  for (const name of builtins) ownRequire(name)
  if (builtins.length > 0) syncBuiltinESMExports()

  for (const name of modules) if (!builtinModules.includes(name)) packages.add(name)
  if (installed || packages.size === 0) return
  installed = true
  try {
    installHooks()
  } catch (error) {
    report(
      `ES modules are not instrumented: ${(error as Error).message.split('\n', 1)[0]}. If the application is bundled, leave ` +
        'packages out of the bundle (esbuild --packages=external, externals of webpack, serverExternalPackages of Next.js) and start with --import @spoor/instrument/register',
    )
  }
}

/** The hooks name files of their own, so they are no part of a bundle: looked for when they are needed. */
function installHooks(): void {
  const { Hook } = ownRequire('import-in-the-middle') as typeof ImportInTheMiddle
  // Comes after the instrumentations' own, which are there already.
  Reflect.construct(Hook, [[...packages], { internals: false }, carryToDefault])
  const hooks = ownRequire('import-in-the-middle/register-hooks.mjs') as typeof SyncHooks
  if (hooks.supportsSyncHooks()) {
    hooks.register({ shouldInclude: isHooked } as Parameters<typeof hooks.register>[0])
    return
  }
  // Runs in Node's loader thread, which gets its list once.
  const names = [...packages].map((name) => name.replaceAll('.', String.raw`\.`))
  register(pathToFileURL(ownRequire.resolve('import-in-the-middle/hook.mjs')).href, {
    data: { include: [...packages, new RegExp(`/node_modules/(${names.join('|')})/`)] },
  })
}

/**
 * An ES module that takes a CommonJS package by its default export gets the object that `require` returns, while
 * instrumentations replace what the namespace has: `grpc.makeClientConstructor` stayed as it was.
 */
function carryToDefault(namespace: Record<string, unknown>): void {
  const original = namespace['default']
  if ((typeof original !== 'object' && typeof original !== 'function') || original === null) return
  const target = original as Record<string, unknown>
  for (const [name, value] of Object.entries(namespace)) {
    if (name === 'default' || typeof value !== 'function') continue
    if ((value as { __original?: unknown }).__original === target[name]) {
      // As instrumentations do it to what `require` returns: compilers make getters of exports. What is frozen stays.
      Reflect.defineProperty(target, name, { configurable: true, enumerable: true, writable: true, value })
    }
  }
}

function isHooked(url: string, specifier: string): boolean {
  if (packages.has(specifier)) return true
  const start = url.lastIndexOf('/node_modules/')
  if (start === -1) return false
  const [first = '', second = ''] = url.slice(start + '/node_modules/'.length).split('/', 2)
  return packages.has(first.startsWith('@') ? `${first}/${second}` : first)
}
