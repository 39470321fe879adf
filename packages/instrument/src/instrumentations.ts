import { sep } from 'node:path'
import type { Instrumentation, InstrumentationModuleDefinition } from '@opentelemetry/instrumentation'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import type { Application } from './application.ts'
import { ExpressRoutes } from './express/express.ts'
import { HttpSpans } from './http/http.ts'
import { ownRequire } from './own-require.ts'
import { FastifyRoutes } from './routes/fastify.ts'
import { HonoRoutes } from './routes/hono.ts'
import { KoaRoutes } from './routes/koa.ts'

const prefix = '@opentelemetry/instrumentation-'
const ownPrefix = '@spoor/instrument/'

/**
 * node:http and https, undici and fetch, express, the routes of fastify, koa and hono, and what else the application
 * has among its dependencies.
 *
 * Of express the handlers of routes have spans. Give `new ExpressInstrumentation()` of OpenTelemetry in `instrumentations` to see middleware and
 * routers, too, a handful in each request that say little.
 */
export function defaultInstrumentations(
  application: Application,
  report: (finding: string) => void,
): Instrumentation[] {
  const builtIn: Instrumentation[] = [
    new HttpSpans(),
    new UndiciInstrumentation(),
    new ExpressRoutes(),
    // Listens to what fastify publishes: nothing that could be seen being patched.
    ...(application.dependencies.includes('fastify') ? [new FastifyRoutes()] : []),
    new KoaRoutes(),
    new HonoRoutes(),
  ]
  // What our own do already.
  const names = new Set([
    `${prefix}http`,
    `${prefix}express`,
    ...builtIn.map((instrumentation) => instrumentation.instrumentationName),
  ])
  const own = application.dependencies
    .filter((name) => name.startsWith(prefix) && !names.has(name))
    .flatMap((name) => loadInstrumentation(name, application, report))
  return [...builtIn, ...own]
}

function loadInstrumentation(
  name: string,
  application: Application,
  report: (finding: string) => void,
): Instrumentation[] {
  try {
    return withCurrentConventions(() => {
      const exports = application.require(name) as Record<string, unknown>
      const Class = Object.entries(exports).find(
        ([key, value]) => key.endsWith('Instrumentation') && isClass(value),
      )?.[1]
      if (!Class) throw new Error('it exports no class named …Instrumentation')
      return [new (Class as new () => Instrumentation)()]
    })
  } catch (error) {
    report(`${name} is among the dependencies but cannot be used: ${(error as Error).message.split('\n', 1)[0]}`)
    return []
  }
}

/**
 * Instrumentations of databases and queues use names of attributes that are no longer current unless they are asked for
 * others, once, as they are made. What the environment says stays; it is not changed for the application.
 */
function withCurrentConventions<T>(make: () => T): T {
  const variable = 'OTEL_SEMCONV_STABILITY_OPT_IN'
  if (process.env[variable] !== undefined) return make()
  process.env[variable] = 'http,database,messaging'
  try {
    return make()
  } finally {
    delete process.env[variable]
  }
}

function isClass(value: unknown): boolean {
  return (
    typeof value === 'function' &&
    typeof (value as { prototype?: { enable?: unknown } }).prototype?.enable === 'function'
  )
}

/** `@opentelemetry/instrumentation-pg` is shown as `pg`. */
export function shortName(instrumentation: Instrumentation): string {
  return instrumentation.instrumentationName.replace(prefix, '').replace(ownPrefix, '')
}

/** What of the instrumentations is in place, by short name, and with its version where it is a package. */
export function patched(instrumentations: readonly Instrumentation[]): string[] {
  return instrumentations.flatMap((instrumentation) => {
    const definitions = definitionsOf([instrumentation])
    // Without modules to patch it listens to what Node and the library publish.
    if (definitions.length === 0) return [shortName(instrumentation)]
    const done = definitions.find(
      (definition) => definition.moduleExports !== undefined || definition.files.some(isPatched),
    )
    if (!done) return []
    return [shortName(instrumentation) + (done.moduleVersion === undefined ? '' : ` ${done.moduleVersion}`)]
  })
}

/** Instrumentations of what the application depends on and has not loaded yet, by short name. */
export function awaited(instrumentations: readonly Instrumentation[], application: Application): string[] {
  return instrumentations
    .filter((instrumentation) => patched([instrumentation]).length === 0)
    .filter((instrumentation) =>
      definitionsOf([instrumentation]).some(({ name }) => application.dependencies.includes(name)),
    )
    .map(shortName)
}

/** What these instrumentations patch, each name once. */
export function modulesToPatch(instrumentations: readonly Instrumentation[]): string[] {
  return [...new Set(definitionsOf(instrumentations).map((definition) => definition.name))]
}

/**
 * Packages that are loaded but not instrumented, each as a sentence. CommonJS packages only: of ES modules Node does
 * not tell which are loaded.
 */
export function missedModules(instrumentations: readonly Instrumentation[]): string[] {
  return definitionsOf(instrumentations)
    .filter((definition) => definition.moduleExports === undefined && !definition.files.some(isPatched))
    .filter((definition) => isLoaded(definition.name))
    .map(({ name, moduleVersion, supportedVersions }) =>
      moduleVersion === undefined
        ? `${name} was imported before tracing started and is not instrumented; start with node --import @spoor/instrument/register`
        : `${name} ${moduleVersion} is not instrumented, only ${supportedVersions.join(' or ')} can be`,
    )
}

function isPatched(file: { moduleExports?: unknown }): boolean {
  return file.moduleExports !== undefined
}

/** Loaded to the end: while a package is being loaded, its instrumentation has not had its turn yet. */
function isLoaded(name: string): boolean {
  const start = name.replaceAll('/', sep) + sep
  const modules = Object.entries(ownRequire.cache).filter(([file]) => {
    const parts = file.split(`${sep}node_modules${sep}`)
    return parts.length > 1 && parts.at(-1)!.startsWith(start)
  })
  return modules.length > 0 && modules.every(([, module]) => module?.loaded)
}

/**
 * What an instrumentation has registered for, with what it has seen of it. Read from a field that the SDK calls private,
 * since `getModuleDefinitions` makes new ones at each call; without the field nothing can be said.
 */
function definitionsOf(instrumentations: readonly Instrumentation[]): InstrumentationModuleDefinition[] {
  return instrumentations.flatMap((instrumentation) => {
    const { _modules } = instrumentation as { _modules?: InstrumentationModuleDefinition[] }
    return Array.isArray(_modules) ? _modules : []
  })
}
