import { EventEmitter } from 'node:events'
import type { Context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'

const isBound = Symbol('spoor.bound')

/**
 * The SDK's context manager with a lighter way to bind an event emitter, of which instrumentations bind two a request.
 * The SDK gives each emitter eight methods of its own and wraps each listener; here one method is replaced, `emit`, and
 * with it all listeners run in the context, those too that were added before.
 */
export class ContextManager extends AsyncLocalStorageContextManager {
  override bind<T>(context: Context, target: T): T {
    if (!(target instanceof EventEmitter)) return super.bind(context, target)
    const emitter = target as EventEmitter & { [isBound]?: true }
    // The first binding stays, as with the SDK's.
    if (emitter[isBound]) return target
    emitter[isBound] = true
    const emit = emitter.emit.bind(emitter)
    emitter.emit = (...args) =>
      this.active() === context ? emit(...args) : this.with(context, emit, undefined, ...args)
    return target
  }
}
