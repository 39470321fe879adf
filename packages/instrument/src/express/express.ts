import type { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import { type Context, type Span, SpanStatusCode, trace } from '@opentelemetry/api'
import { getRPCMetadata, RPCType } from '@opentelemetry/core'
import { InstrumentationBase, InstrumentationNodeModuleDefinition } from '@opentelemetry/instrumentation'
import { contexts } from '../context-manager.ts'
import type { OwnOptions } from '../trace/tracer.ts'
import { joined, mountedBelow, type Path, writtenAs } from './paths.ts'

/** The patterns of the routers that a request has come through so far, in one. */
const mounted = Symbol('spoor.mounted')
const traced = Symbol('spoor.traced')

type Next = (...args: unknown[]) => void
type Request = object & { [mounted]?: string }
type Handle = (this: unknown, request: Request, response: EventEmitter, next: Next) => unknown

interface Layer {
  handle: Handle
  [traced]?: true
}

interface Router {
  readonly stack: Layer[]
  use(this: Router, ...args: unknown[]): unknown
  route(this: Router, path: Path): unknown
}

/** Of version 5 routers are made by a class, of version 4 they have its methods from a function. */
type Express = { readonly Router: Router & { readonly prototype?: Partial<Router> } }

/**
 * The routes of express, versions 4 and 5: the span of a request gets the route by which it is served, and each handler of a route a span. Only routes, and what
 * is mounted below a path, are wrapped: middleware costs nothing, and has no spans. `@opentelemetry/instrumentation-express`, whose names and
 * attributes these are, puts the route together anew in each layer.
 */
export class ExpressRoutes extends InstrumentationBase {
  constructor() {
    super('@spoor/instrument/express', '0.1.0', {})
  }

  protected init(): InstrumentationNodeModuleDefinition {
    return new InstrumentationNodeModuleDefinition(
      'express',
      ['>=4.0.0 <6'],
      (exports: Express) => {
        const router = routerOf(exports)
        this._wrap(router, 'use', (original) => this.#use(original))
        this._wrap(router, 'route', (original) => this.#route(original))
        return exports
      },
      (exports?: Express) => {
        if (!exports) return
        this._unwrap(routerOf(exports), 'use')
        this._unwrap(routerOf(exports), 'route')
      },
    )
  }

  #use(original: Router['use']): Router['use'] {
    return function (this: Router, ...args) {
      const before = this.stack.length
      const result = original.apply(this, args)
      const pattern = mountedBelow(args[0])
      if (pattern !== '') for (const layer of this.stack.slice(before)) mount(layer, pattern)
      return result
    }
  }

  #route(original: Router['route']): Router['route'] {
    const wrap = (layer: Layer, pattern: string): void => this.#trace(layer, pattern)
    return function (this: Router, path) {
      const result = original.call(this, path)
      const layer = this.stack.at(-1)
      if (layer && !layer[traced]) wrap(layer, writtenAs(path) || '/')
      return result
    }
  }

  /** The handlers of a route get a span. */
  #trace(layer: Layer, pattern: string): void {
    const start = (route: string, active: Context): Span => {
      const options: OwnOptions = {
        attributes: { 'http.route': route, 'express.name': route, 'express.type': 'request_handler' },
        isOwn: true,
      }
      return this.tracer.startSpan(`request handler - ${route}`, options, active)
    }
    const original = layer.handle
    layer[traced] = true
    layer.handle = like(original, function (request, response, next) {
      const route = joined(request[mounted] ?? '', pattern)
      const active = contexts().active()
      nameRoute(active, route)
      if (trace.getSpan(active) === undefined) return original.call(this, request, response, next)
      const span = start(route, active)
      if (!span.isRecording()) return original.call(this, request, response, next)
      let hasEnded = false
      const end = (): void => {
        if (hasEnded) return
        hasEnded = true
        span.end()
      }
      response.once('close', end)
      const onward: Next = (...args) => {
        const [error] = args
        // By these two names a handler leaves its route, or its router.
        if (!hasEnded && error !== undefined && error !== null && error !== 'route' && error !== 'router') {
          const exception = error instanceof Error ? error : inspect(error)
          span.recordException(exception)
          span.setStatus({
            code: SpanStatusCode.ERROR,
            message: error instanceof Error ? error.message : inspect(error),
          })
        }
        response.off('close', end)
        end()
        contexts().with(active, next, undefined, ...args)
      }
      return contexts().with(trace.setSpan(active, span), original, this, request, response, onward)
    })
  }
}

function routerOf({ Router }: Express): Router {
  return typeof Router.prototype?.route === 'function' ? (Router.prototype as Router) : Router
}

/** What is below a path knows it for its routes. */
function mount(layer: Layer, pattern: string): void {
  const original = layer.handle
  // Handlers of errors have four arguments, by which express knows them.
  if (layer[traced] || original.length > 3) return
  layer[traced] = true
  layer.handle = like(original, function (request, response, next) {
    const above = request[mounted] ?? ''
    const here = joined(above, pattern)
    const active = contexts().active()
    request[mounted] = here
    nameRoute(active, here)
    return original.call(this, request, response, (...args) => {
      request[mounted] = above
      nameRoute(active, above === '' ? undefined : above)
      next(...args)
    })
  })
}

function nameRoute(within: Context, route: string | undefined): void {
  const metadata = getRPCMetadata(within) as { type: RPCType; route?: string | undefined } | undefined
  if (metadata?.type === RPCType.HTTP) metadata.route = route
}

/** What others read of a handler, as the routes that a router has, they read of what has taken its place. */
function like(original: Handle, handle: Handle): Handle {
  return Object.setPrototypeOf(handle, original) as Handle
}
