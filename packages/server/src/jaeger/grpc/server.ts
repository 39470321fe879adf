import {
  createGrpcEndpoint,
  createGrpcHealth,
  formatHostPort,
  GRPC,
  HEALTH_SERVICE,
  type LedgerDoor,
  healthProtoFile,
  reflectionHandlers,
  type StreamHandler,
} from '@spoor/collector'
import { otlpProtoFiles, protoFile, type ProtoMethod } from '@spoor/otlp'
import type { Failures } from '../../api/failure.ts'
import type { StoreQueries } from '../../api/store-queries.ts'
import type { AnswerBudget } from '../../http/answer-budget.ts'
import type { Lanes } from '../../http/lanes.ts'
import { createEnd, enter } from '../../http/query-call.ts'
import { createCodec, type ProtoRecord } from './codec.ts'
import { QUERY_SERVICES, queryMethods, type QueryMethod } from './methods.ts'
import { JAEGER_PROTOS } from './protos.ts'

export interface QueryGrpcOptions {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  readonly store: StoreQueries
  readonly failures: Failures
  readonly lanes: Lanes
  readonly budget: AnswerBudget
  /** Whether queries are answered now. */
  readonly isReady: () => boolean
  /** Who calls what is not there is told to the ledger of senders. */
  readonly door: LedgerDoor
}

export interface QueryGrpc {
  /** `host:port`. */
  readonly address: string
  start(): Promise<void>
  stop(): Promise<void>
}

type Answer = Parameters<StreamHandler>[0]
type End = ReturnType<typeof createEnd>

/** Statuses of HTTP as gRPC's; others are INTERNAL. */
const CODES: Readonly<Record<number, number>> = {
  400: GRPC.INVALID_ARGUMENT,
  404: GRPC.NOT_FOUND,
  499: GRPC.CANCELLED,
  503: GRPC.UNAVAILABLE,
  504: GRPC.DEADLINE_EXCEEDED,
}

/**
 * Jaeger's query services over gRPC, `api_v2` and `api_v3`, with health and reflection: what Kiali and grpcurl ask. The lanes and the room for answers are those of
 * the page's port. Without TLS and login, as that.
 *
 * Source: jaeger v2.20, `jaegerquery/internal/{grpc_handler.go,apiv3/grpc_handler.go}`.
 */
export function createQueryGrpc(options: QueryGrpcOptions): QueryGrpc {
  const { host, port, store, isReady } = options
  const codec = createCodec(JAEGER_PROTOS)
  const types = new Map<string, ProtoMethod>(
    JAEGER_PROTOS.flatMap(({ package: home, service }) =>
      (service?.methods ?? []).map((method) => [`${home}.${service!.name}/${method.name}`, method] as const),
    ),
  )

  async function answer(path: string, method: QueryMethod, request: ProtoRecord, to: Answer, end: End): Promise<void> {
    const { output } = types.get(path)!
    try {
      const call = await enter(options.lanes[method.lane], options.budget, end)
      for await (const message of method.run(request, call)) {
        if (end.signal.aborted) return
        to.send(message instanceof Uint8Array ? message : codec.encode(output, message))
        await to.drained()
      }
      to.end()
    } catch (error) {
      const { status, message } = options.failures.note(error, path)
      to.end(CODES[status] ?? GRPC.INTERNAL, message)
    } finally {
      end.end()
    }
  }

  const handlers = Object.entries(queryMethods(store)).map(([path, method]): [string, StreamHandler] => [
    `/${path}`,
    (to) => {
      const end = createEnd()
      let isAsked = false
      return {
        message(bytes) {
          if (isAsked) return
          isAsked = true
          const request = codec.decode(types.get(path)!.input, bytes)
          to.stay()
          void answer(path, method, request, to, end)
        },
        closed: () => end.end(),
      }
    },
  ])
  const services = [...QUERY_SERVICES, HEALTH_SERVICE]
  const health = createGrpcHealth(
    (service) => (service === '' || QUERY_SERVICES.includes(service) ? isReady() : undefined),
    () => QUERY_SERVICES,
  )
  const files = () => [...otlpProtoFiles(), ...JAEGER_PROTOS.map(protoFile), healthProtoFile()]
  const endpoint = createGrpcEndpoint(
    formatHostPort(host, port),
    new Map([...handlers, ...health.handlers, ...reflectionHandlers(services, files)]),
    '--host',
    (session, facts, userAgent) => {
      const what = facts.path === undefined ? 'what came is no gRPC' : `${facts.path} is none of the queries`
      options.door.sender(session, userAgent).refused('wrong_port', what, facts)
    },
  )
  return {
    get address() {
      return endpoint.address
    },
    start: () => endpoint.start(),
    stop() {
      health.stop('Spoor is stopping')
      return endpoint.stop()
    },
  }
}
