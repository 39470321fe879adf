import { EventEmitter } from 'node:events'
import {
  context as api,
  type Context,
  type ContextManager as ApiContextManager,
  ROOT_CONTEXT,
} from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { rootContext } from './flat-context.ts'

const isBound = Symbol('spoor.bound')

type Contexts = Pick<ApiContextManager, 'active' | 'with'>
let inForce: Contexts = api

/** To be called with the manager that is the API's now. */
export function putInForce(manager: Contexts): void {
  inForce = manager
}

/** The context manager that is in force: the API asks a global for it, and whether that goes with it, at each call, of which a request makes a dozen. */
export function contexts(): Contexts {
  return inForce
}

/**
 * The SDK's context manager with lighter contexts, and a lighter way to bind an event emitter, of which instrumentations bind two a request.
 * The SDK gives each emitter eight methods of its own and wraps each listener; here one method is replaced, `emit`, and
 * with it all listeners run in the context, those too that were added before.
 */
export class ContextManager extends AsyncLocalStorageContextManager {
  /** The API calls it when it lets go of this manager. */
  override disable(): this {
    if (inForce === this) inForce = api
    return super.disable()
  }

  override active(): Context {
    const active = super.active()
    return active === ROOT_CONTEXT ? rootContext : active
  }

  override bind<T>(context: Context, target: T): T {
    if (!(target instanceof EventEmitter)) return super.bind(context, target)
    bindEmitter(target, context, undefined, this)
    return target
  }
}

/**
 * Runs all listeners of an emitter in a context. `listen` is called after them, with each event and its first value. The first binding stays, as
 * with the SDK's.
 */
export function bindEmitter(
  target: EventEmitter,
  context: Context,
  listen?: (event: unknown, value: unknown) => void,
  manager = inForce,
): void {
  const emitter = target as EventEmitter & { [isBound]?: true }
  const wasBound = emitter[isBound] === true
  if (wasBound && listen === undefined) return
  emitter[isBound] = true
  const emit = emitter.emit.bind(emitter)
  const within: typeof emit = (...args) =>
    // Most events of a request have no listener; those of errors may have one by another name.
    wasBound || (args[0] !== 'error' && emitter.listenerCount(args[0]) === 0) || manager.active() === context
      ? emit(...args)
      : manager.with(context, emit, undefined, ...args)
  emitter.emit =
    listen === undefined
      ? within
      : (...args) => {
          try {
            return within(...args)
          } finally {
            listen(args[0], args[1])
          }
        }
}
