import type { FastifyInstance, HTTPMethods } from 'fastify'
import { RequestError } from '../api/params.ts'

const METHODS: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

/**
 * From now on, what an API has at a path for one method answers to the others with 405 and an `Allow` of those that there are. The function that it returns is
 * to be called when the API has all its routes.
 */
export function refuseOtherMethods(app: FastifyInstance): () => void {
  const known = new Map<string, Set<HTTPMethods>>()
  let isDone = false
  app.addHook('onRoute', ({ routePath, method }) => {
    if (isDone) return
    const methods = known.get(routePath) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    known.set(routePath, methods)
  })
  return () => {
    isDone = true
    for (const [path, methods] of known) {
      const allow = [...methods].sort().join(', ')
      app.route({
        method: METHODS.filter((method) => !methods.has(method)),
        url: path,
        // Before a body is read.
        onRequest: async (request, reply) => {
          void reply.header('allow', allow)
          throw new RequestError(405, 'method_not_allowed', `${request.method} is not for ${path}; use ${allow}`)
        },
        handler: () => {},
      })
    }
  }
}
