import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { first, type Query, RequestError, tryDuration } from '../api/params.ts'
import { ANSWER_BYTES, TAIL_BYTES, type AnswerBudget, type AnswerLease } from './answer-budget.ts'
import type { Lane, LaneName, Lanes } from './lanes.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The lane of a route that asks the store. */
    lane?: LaneName
  }
}

/** The limits of one query, from the request that it answers. */
export interface QueryCall {
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal
  /** How long each question to the store may take: what the client allows, less the wait for its turn. Milliseconds. */
  readonly timeoutMs: number
  /** The bytes that the answer holds. */
  readonly room: AnswerLease
}

const DEFAULT_TIMEOUT_MS = 10_000
const MAX_TIMEOUT_MS = 60_000
/** The part of its time that a query may wait for its turn. */
const WAITING_SHARE = 0.5

const calls = new WeakMap<FastifyRequest, QueryCall>()

/** The limits of the request's query. Its route has a lane. */
export function callOf(request: FastifyRequest): QueryCall {
  const call = calls.get(request)
  if (!call) throw new Error(`${request.url}: the route has no lane`)
  return call
}

/**
 * Gives each request whose route has a lane its limits before it is handled: a place in the lane and room for its
 * answer, both until the answer is sent or the client has left. Where there is none the request is refused, with 503.
 */
export function limitQueries(app: FastifyInstance, lanes: Lanes, budget: AnswerBudget): void {
  app.addHook('preHandler', async (request, reply) => {
    const { lane, route } = request.routeOptions.config
    if (lane === undefined) return
    // Spoor's own API takes it.
    const timeoutMs = route ? timeoutOf(request.query as Query) : DEFAULT_TIMEOUT_MS
    const bytes = lane === 'tails' ? TAIL_BYTES : ANSWER_BYTES
    calls.set(request, await enter(lanes[lane], budget, endOf(reply), timeoutMs, bytes))
  })
}

/** How a query ends, however that is: `onEnd` calls what it is given then, or at once when it is over. */
export interface QueryEnd {
  /** Aborts then. */
  readonly signal: AbortSignal
  readonly onEnd: (end: () => void) => void
}

/**
 * The limits of one query that takes `timeoutMs` milliseconds at the most: a place in its lane, and room for `bytes` of its answer, until it ends. Rejects with
 * RequestError `busy` (503) where there is none.
 */
export async function enter(
  lane: Lane,
  budget: AnswerBudget,
  { signal, onEnd }: QueryEnd,
  timeoutMs = DEFAULT_TIMEOUT_MS,
  bytes = ANSWER_BYTES,
): Promise<QueryCall> {
  const began = performance.now()
  onEnd(await lane.enter(timeoutMs * WAITING_SHARE, signal))
  const room = budget.take(bytes, 'answer')
  if (!room) throw new RequestError(503, 'busy', 'too many bytes of answers are on their way; try again')
  onEnd(() => room.release())
  return { signal, room, timeoutMs: timeoutMs - (performance.now() - began) }
}

/** When the answer has been sent, or its connection is gone. */
function endOf({ raw }: FastifyReply): QueryEnd {
  const { end, ...is } = createEnd()
  raw.once('close', end)
  return is
}

export function createEnd(): QueryEnd & { readonly end: () => void } {
  const controller = new AbortController()
  const ends: (() => void)[] = []
  return {
    signal: controller.signal,
    onEnd(end) {
      if (controller.signal.aborted) end()
      else ends.push(end)
    },
    end() {
      controller.abort()
      for (const end of ends.splice(0)) end()
    },
  }
}

function timeoutOf(query: Query): number {
  const text = first(query, 'timeout')
  if (text === undefined) return DEFAULT_TIMEOUT_MS
  const timeoutMs = (tryDuration(text) ?? 0) / 1e6
  if (timeoutMs < 1 || timeoutMs > MAX_TIMEOUT_MS) {
    throw new RequestError(400, 'bad_parameter', `parameter "timeout": "${text}" is not a duration from 1ms to 1m`)
  }
  return timeoutMs
}
