import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { InstrumentationBase } from '@opentelemetry/instrumentation'
import { setRoute } from './set-route.ts'

/** Published by fastify 5 before a route's handler runs. */
const channel = 'tracing:fastify.request.handler:start'

/** Gives the span of a request the route by which fastify serves it. No spans of its own, nothing is patched. */
export class FastifyRoutes extends InstrumentationBase {
  constructor() {
    super('@spoor/instrument/fastify', '0.1.0', {})
  }

  protected init(): [] {
    return []
  }

  override enable(): void {
    unsubscribe(channel, onHandler)
    subscribe(channel, onHandler)
  }

  override disable(): void {
    unsubscribe(channel, onHandler)
  }
}

function onHandler(message: unknown): void {
  setRoute((message as { route?: { url?: string } }).route?.url)
}
