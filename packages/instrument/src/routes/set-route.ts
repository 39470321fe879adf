import { context } from '@opentelemetry/api'
import { getRPCMetadata, RPCType } from '@opentelemetry/core'

/** Names the route of the request that is being served; HTTP instrumentation puts it into the span's name at its end. */
export function setRoute(route: unknown): void {
  const metadata = getRPCMetadata(context.active())
  if (metadata?.type === RPCType.HTTP && typeof route === 'string') metadata.route = route
}
