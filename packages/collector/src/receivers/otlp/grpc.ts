/** OTLP/gRPC: the methods that export a signal each. */
import { encodeExportResponse, type ExportResponse, type Signal } from '@spoor/otlp'
import { CollectorError } from '../../component/index.ts'
import { messagePrefix } from '../../otlp-protocol/grpc-message.ts'
import { GRPC_PATHS, SIGNALS, TURN_OFF } from '../../otlp-protocol/services.ts'
import type { Intake, NoMethod, UnaryHandler } from '../../receiver-helper/index.ts'
import type { Converter } from './conversion.ts'
import { createTakeMessage } from './intake.ts'

/** The empty response, which says that all was taken. */
const SUCCESS = encodeAnswer({})

function encodeAnswer(answer: Partial<ExportResponse>): Buffer {
  const message = encodeExportResponse(answer)
  return Buffer.concat([messagePrefix(false, message.length), message])
}

/** The handler of a method, see `GrpcServerOptions`. */
export function grpcMethods(intake: Intake, converter: Converter): (path: string) => UnaryHandler | NoMethod {
  const take = createTakeMessage(intake, converter)
  const handler =
    (signal: Signal): UnaryHandler =>
    async (body, call) => {
      const answer = await take(signal, 'protobuf', body, call)
      return answer.rejected === undefined ? SUCCESS : encodeAnswer(answer)
    }
  const handlers = new Map(signalsOf(intake).map((signal) => [GRPC_PATHS[signal], handler(signal)]))
  return (path) => handlers.get(path) ?? unknownMethod(path)
}

function unknownMethod(path: string): NoMethod {
  const signal = SIGNALS.find((one) => GRPC_PATHS[one] === path)
  const text = signal
    ? `no pipeline takes ${signal} from this receiver: nothing here keeps them; ${TURN_OFF[signal]}`
    : `unknown method ${path}; this port has ${Object.values(GRPC_PATHS).join(', ')}`
  return { error: new CollectorError('unimplemented', text), reason: signal ? 'no_pipeline' : 'not_found', signal }
}

/** The full names of the services of the signals that some pipeline takes. */
export function grpcServices(intake: Intake): readonly string[] {
  return signalsOf(intake).map((signal) => GRPC_PATHS[signal].split('/')[1]!)
}

function signalsOf(intake: Intake): readonly Signal[] {
  return SIGNALS.filter((signal) => intake.consumer(signal) !== undefined)
}
