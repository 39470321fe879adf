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
  /** Services may take calls now that did not before, or the other way round: whoever watches one of them hears of it. */
  changed(): void
  /** No calls are taken any more: whoever watches hears of it, and why. */
  stop(why: string): void
}

const PACKAGE = 'grpc.health.v1'
export const HEALTH_SERVICE = `${PACKAGE}.Health`

/**
 * `isServing`: of a service by its full name, '' for all together; undefined for one that there is not. `names`: those that there are, for
 * who asks for another.
 */
export function createHealth(
  isServing: (service: string) => boolean | undefined,
  names: () => readonly string[],
): Health {
  const watching = new Map<StreamAnswer, { readonly service: string; told: number }>()
  let stopped = false
  const statusOf = (service: string): number | undefined => {
    const serving = isServing(service)
    return serving === undefined ? undefined : serving && !stopped ? SERVING : NOT_SERVING
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
        return answer.end(GRPC.NOT_FOUND, `unknown service ${service}; there are ${names().join(', ')}`)
      answer.send(writeMessage({ 1: status }))
      answer.end()
    },
  })
  const watch: StreamHandler = (answer) => ({
    message(bytes) {
      const service = serviceIn(bytes)
      const told = statusOf(service) ?? SERVICE_UNKNOWN
      watching.set(answer, { service, told })
      answer.stay()
      answer.send(writeMessage({ 1: told }))
    },
    closed: () => void watching.delete(answer),
  })
  const changed = (): void => {
    for (const [answer, watched] of watching) {
      const status = statusOf(watched.service) ?? SERVICE_UNKNOWN
      if (status === watched.told) continue
      watched.told = status
      answer.send(writeMessage({ 1: status }))
    }
  }
  return {
    handlers: new Map([
      [`/${HEALTH_SERVICE}/Check`, check],
      [`/${HEALTH_SERVICE}/Watch`, watch],
    ]),
    changed,
    stop(why) {
      stopped = true
      changed()
      for (const answer of watching.keys()) answer.end(GRPC.UNAVAILABLE, why)
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
