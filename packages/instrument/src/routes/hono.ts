import { InstrumentationBase, InstrumentationNodeModuleDefinition } from '@opentelemetry/instrumentation'
import { setRoute } from './set-route.ts'

interface HonoContext {
  /** The path of the handler that was called last. */
  readonly req: { readonly routePath: string }
}

interface Hono {
  use(path: string, middleware: (context: HonoContext, next: () => Promise<void>) => Promise<void>): unknown
}

type HonoClass = new (...args: unknown[]) => Hono

/** Gives the span of a request the route by which hono serves it. No spans of its own. */
export class HonoRoutes extends InstrumentationBase {
  constructor() {
    super('@spoor/instrument/hono', '0.1.0', {})
  }

  protected init(): InstrumentationNodeModuleDefinition {
    return new InstrumentationNodeModuleDefinition('hono', ['>=4.0.0 <5'], (exports: { Hono: HonoClass }) => {
      const Hono = withRoutes(exports.Hono)
      // The exports of a compiled CommonJS module are getters that cannot be replaced.
      const descriptor = Object.getOwnPropertyDescriptor(exports, 'Hono')
      if (descriptor?.configurable === false && descriptor.set === undefined) return { ...exports, Hono }
      exports.Hono = Hono
      return exports
    })
  }
}

function withRoutes(Original: HonoClass): HonoClass {
  const Hono = class extends Original {
    constructor(...args: unknown[]) {
      super(...args)
      this.use('*', async (context, next) => {
        await next()
        const { routePath } = context.req
        // What matches all, as this middleware does itself, says nothing of where something is.
        if (routePath !== '/*') setRoute(routePath)
      })
    }
  }
  Object.defineProperty(Hono, 'name', { value: Original.name })
  return Hono
}
