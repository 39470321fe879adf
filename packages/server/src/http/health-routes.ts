import type { FastifyInstance, FastifyReply } from 'fastify'
import type { HealthResponse } from '../api.ts'
import { liveness, readiness, type Verdict, type Vitals } from '../health.ts'

/**
 * The names that probes are usually given. All are answered: whatever else is asked for gets the page, and a probe that
 * is given the page would find a program well that is not.
 */
const LIVE_PATHS = ['/health', '/healthz', '/livez', '/-/healthy']
const READY_PATHS = ['/ready', '/readyz', '/-/ready']

/** `/health` and `/ready`: 200, or 503 with the reasons. Asks no thread and waits for nothing. */
export function healthRoutes(app: FastifyInstance, vitals: () => Vitals): void {
  for (const path of LIVE_PATHS) app.get(path, (_, reply) => answer(reply, liveness(vitals())))
  for (const path of READY_PATHS) app.get(path, (_, reply) => answer(reply, readiness(vitals())))
}

function answer(reply: FastifyReply, { ok, reasons }: Verdict): FastifyReply {
  const body: HealthResponse = { status: ok ? 'ok' : 'unavailable', reasons }
  if (!ok) void reply.header('retry-after', '5')
  return reply
    .code(ok ? 200 : 503)
    .header('cache-control', 'no-store')
    .send(body)
}
