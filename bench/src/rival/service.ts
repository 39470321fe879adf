import { Server, ServerCredentials, status, type ServiceDefinition } from '@grpc/grpc-js'
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse, type ProtoRequest } from './proto.ts'

/** The `TraceService` of opentelemetry-proto `collector/trace/v1/trace_service.proto`, for grpc-js. */
export const traceService = {
  Export: {
    path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    requestStream: false,
    responseStream: false,
    requestSerialize: encodeRequest,
    requestDeserialize: decodeRequest,
    responseSerialize: encodeResponse,
    responseDeserialize: decodeResponse,
  },
} satisfies ServiceDefinition

/** The largest request that the rivals take, in bytes. grpc-js's own default of 4 MiB would refuse a large batch. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024

/**
 * A grpc-js server on 127.0.0.1 with `take` behind `Export`: the answer is sent when it resolves. Gives the address
 * that it listens on. grpc-js decompresses gzip by itself.
 */
export async function serveTraces(take: (request: ProtoRequest) => Promise<void>): Promise<string> {
  const server = new Server({ 'grpc.max_receive_message_length': MAX_MESSAGE_BYTES })
  server.addService(traceService, {
    Export(call: { request: ProtoRequest }, done: (error: object | null, response?: object) => void) {
      take(call.request).then(
        () => done(null, {}),
        (error: unknown) => done({ code: status.UNAVAILABLE, details: String(error) }),
      )
    },
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
  return `127.0.0.1:${port}`
}
