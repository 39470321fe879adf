import type { ApiRoute } from './catalogue.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route takes; anything else is refused. */
    route?: ApiRoute
  }
}

/** Path and options of a route, as Fastify takes them. */
export function at(route: ApiRoute) {
  const { path, lane } = route
  return [path, { config: { route, ...(lane && { lane }) } }] as const
}
