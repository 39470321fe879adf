/**
 * What is answered where there is no route, in the words of the API below whose prefix it is. Fastify would make a route for each of its 35 methods and each of their
 * prefixes, and one for each method that a path has not: 600 of them at each start.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { RequestError } from '../api/params.ts'

/** How an API answers. */
export interface NoRoute {
  /** To a path that it has not. */
  readonly notFound: (request: FastifyRequest, reply: FastifyReply) => FastifyReply
  /** To a request that failed, as one by a method that its path has not. */
  readonly failed: (reply: FastifyReply, error: unknown) => FastifyReply
}

/** Methods that are answered with 405 where a path has others; to the rest of them no path is known. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])

interface Path {
  readonly pattern: RegExp
  readonly methods: Set<string>
}

interface Area extends NoRoute {
  readonly prefix: string
  /** By the path as its route has it, behind the prefix. */
  readonly paths: Map<string, Path>
}

/** By the server of a port, those with the longest prefixes first. */
const areas = new WeakMap<object, Area[]>()

/** From now on, an API answers so below its prefix. It is to be called before the API has its first route. */
export function answerNoRoute(app: FastifyInstance, how: NoRoute): void {
  const { prefix } = app
  const area: Area = { ...how, prefix, paths: new Map() }
  const all = [...(areas.get(app.server) ?? []), area]
  areas.set(
    app.server,
    all.sort((a, b) => b.prefix.length - a.prefix.length),
  )
  app.addHook('onRoute', ({ routePath, method }) => {
    const path = area.paths.get(routePath) ?? { pattern: patternOf(prefix + routePath), methods: new Set() }
    for (const one of [method].flat()) path.methods.add(one)
    area.paths.set(routePath, path)
  })
}

/** How a request is answered for which there is no route. */
export interface Unrouted {
  /** Its path has other methods. */
  readonly isKnownPath: boolean
  /** 405 with an `Allow`, or 404. */
  readonly answer: (reply: FastifyReply) => FastifyReply
}

/** Of a request for which there is no route: how the API below whose prefix it is answers; undefined where it is below none. */
export function unrouted(request: FastifyRequest): Unrouted | undefined {
  const { method } = request
  const area = areaOf(request)
  if (!area) return undefined
  for (const [path, { pattern, methods }] of METHODS.has(method) ? area.paths : []) {
    if (!pattern.test(pathOf(request))) continue
    const allow = [...methods].sort().join(', ')
    const error = new RequestError(405, 'method_not_allowed', `${method} is not for ${path}; use ${allow}`)
    return { isKnownPath: true, answer: (reply) => area.failed(reply.header('allow', allow), error) }
  }
  return { isKnownPath: false, answer: (reply) => area.notFound(request, reply) }
}

function areaOf(request: FastifyRequest): Area | undefined {
  const path = pathOf(request)
  return areas.get(request.server.server)?.find(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`))
}

const pathOf = ({ url }: FastifyRequest): string => url.split('?', 1)[0]!

/** `/api/traces/:id` as Fastify matches it, with or without a slash at its end. */
function patternOf(path: string): RegExp {
  const text = path
    .split('/')
    .map((part) => (part.startsWith(':') ? '[^/]+' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)))
  return new RegExp(`^${text.join('/')}/?$`)
}
