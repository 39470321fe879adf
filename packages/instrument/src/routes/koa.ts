import { context } from '@opentelemetry/api'
import { InstrumentationBase, InstrumentationNodeModuleDefinition } from '@opentelemetry/instrumentation'
import { setRoute } from './set-route.ts'

interface KoaContext {
  /** Set by `@koa/router` and `koa-router`: the path of the layer that has matched. */
  readonly _matchedRoute?: string | RegExp
}

type Middleware = (koaContext: KoaContext) => Promise<void>
type HandleRequest = (koaContext: KoaContext, middleware: Middleware) => Promise<unknown>
type Koa = { readonly prototype: { handleRequest: HandleRequest } }

/** Gives the span of a request the route by which a router of koa serves it. No spans of its own. */
export class KoaRoutes extends InstrumentationBase {
  constructor() {
    super('@spoor/instrument/koa', '0.1.0', {})
  }

  protected init(): InstrumentationNodeModuleDefinition {
    return new InstrumentationNodeModuleDefinition(
      'koa',
      ['>=2.0.0 <4'],
      (exports: Koa & { default?: Koa }) => {
        const { prototype } = exports.default ?? exports
        this._wrap(prototype, 'handleRequest', (original) => withRoute(original))
        return exports
      },
      (exports?: Koa & { default?: Koa }) => {
        if (exports) this._unwrap((exports.default ?? exports).prototype, 'handleRequest')
      },
    )
  }
}

function withRoute(original: HandleRequest): HandleRequest {
  return function (this: unknown, koaContext, middleware) {
    const request = context.active()
    const routed: Middleware = async (inner) => {
      try {
        await middleware(inner)
      } finally {
        context.with(request, () => setRoute(inner._matchedRoute?.toString()))
      }
    }
    return original.call(this, koaContext, routed)
  }
}
