/** `grpc.health.v1.Health`: whether a service takes calls. Source: grpc/doc/health-checking.md. */
import { protoFile, type ProtoFile } from '@spoor/otlp'
import { GRPC } from '../component/index.ts'
import type { StreamAnswer, StreamHandler } from './grpc-stream.ts'
import { readMessageFields, writeMessage } from './proto.ts'

/** `HealthCheckResponse.ServingStatus`. */
const SERVING = 1
const NOT_SERVING = 2
const SERVICE_UNKNOWN = 3

export interface Health {
  /** The handlers of its methods, by path. */
  readonly handlers: ReadonlyMap<string, StreamHandler>
  /** No calls are taken any more: whoever watches hears of it. */
  stop(): void
}

const PACKAGE = 'grpc.health.v1'
export const HEALTH_SERVICE = `${PACKAGE}.Health`

/** `services`: full names of those that take calls; that of the whole server is empty. */
export function createHealth(services: readonly string[]): Health {
  const watching = new Map<StreamAnswer, string>()
  let stopped = false
  const statusOf = (service: string): number | undefined => {
    if (service !== '' && !services.includes(service)) return undefined
    return stopped ? NOT_SERVING : SERVING
  }
  const serviceIn = (bytes: Buffer): string => {
    const name = readMessageFields(bytes).get(1)
    return Buffer.isBuffer(name) ? name.toString() : ''
  }
  const check: StreamHandler = (answer) => ({
    message(bytes) {
      const service = serviceIn(bytes)
      const status = statusOf(service)
      if (status === undefined)
        return answer.end(GRPC.NOT_FOUND, `unknown service ${service}; there are ${services.join(', ')}`)
      answer.send(writeMessage({ 1: status }))
      answer.end()
    },
  })
  const watch: StreamHandler = (answer) => ({
    message(bytes) {
      const service = serviceIn(bytes)
      watching.set(answer, service)
      answer.stay()
      answer.send(writeMessage({ 1: statusOf(service) ?? SERVICE_UNKNOWN }))
    },
    closed: () => void watching.delete(answer),
  })
  return {
    handlers: new Map([
      [`/${HEALTH_SERVICE}/Check`, check],
      [`/${HEALTH_SERVICE}/Watch`, watch],
    ]),
    stop() {
      stopped = true
      for (const [answer, service] of watching) {
        answer.send(writeMessage({ 1: statusOf(service) ?? SERVICE_UNKNOWN }))
        answer.end(GRPC.UNAVAILABLE, 'the receiver is shutting down')
      }
      watching.clear()
    },
  }
}

export function healthProtoFile(): ProtoFile {
  const statuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'].map((name, index) => [name, index] as const)
  const [input, output] = [`${PACKAGE}.HealthCheckRequest`, `${PACKAGE}.HealthCheckResponse`]
  return protoFile({
    name: 'grpc/health/v1/health.proto',
    package: PACKAGE,
    messages: [
      { name: 'HealthCheckRequest', fields: [{ name: 'service', number: 1, type: 'string' }] },
      {
        name: 'HealthCheckResponse',
        fields: [{ name: 'status', number: 1, type: 'enum', typeName: `${output}.ServingStatus` }],
        enums: [{ name: 'ServingStatus', values: statuses }],
      },
    ],
    service: {
      name: 'Health',
      methods: [
        { name: 'Check', input, output },
        { name: 'Watch', input, output, streams: true },
      ],
    },
  })
}
