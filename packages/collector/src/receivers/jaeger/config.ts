/** The config of the `jaeger` receiver; keys and defaults as in the OpenTelemetry Collector's jaegerreceiver. */
import { z } from 'zod'
import { count, listenEndpoint, section } from '../../component/index.ts'
import { checkEndpoint, checkKeepalive, grpcServerKeys, httpServerKeys } from '../../receiver-helper/index.ts'

const grpc = section(grpcServerKeys('localhost:14250')).superRefine(checkEndpoint)

const thriftHttp = section(httpServerKeys('localhost:14268')).superRefine(checkEndpoint).superRefine(checkKeepalive)

const udp = (endpoint: string) =>
  section({
    endpoint: listenEndpoint.default(endpoint),
    queue_size: count
      .default(1000)
      .describe(
        'Packets that wait until the pipelines have taken one that came before. What comes beyond is lost, and counted.',
      ),
    max_packet_size: z.int().min(1).default(65_000).describe('Bytes. Larger packets are lost, and counted.'),
    workers: z.int().min(1).default(10).describe('Packets whose spans are with the pipelines at a time.'),
    socket_buffer_size: count
      .default(0)
      .describe("Bytes of the kernel's buffer, where packets wait until they are read. 0: as the system has it."),
  })

const PROTOCOLS = ['grpc', 'thrift_http', 'thrift_compact', 'thrift_binary'] as const

export const jaegerReceiverConfig = section({
  protocols: section(
    {
      grpc: grpc.optional(),
      thrift_http: thriftHttp.optional(),
      thrift_compact: udp('localhost:6831').optional(),
      thrift_binary: udp('localhost:6832').optional(),
    },
    PROTOCOLS,
  ),
  remote_sampling: z
    .unknown()
    .optional()
    .refine((value) => value === undefined, { message: 'sampling strategies are not served here; remove it' }),
}).refine(({ protocols }) => PROTOCOLS.some((name) => protocols[name] !== undefined), {
  message: `must specify at least one protocol when using the Jaeger receiver; write one or more of ${PROTOCOLS.join(', ')} in it`,
  path: ['protocols'],
})

export type JaegerReceiverConfig = z.infer<typeof jaegerReceiverConfig>
type Protocols = JaegerReceiverConfig['protocols']

/** The protocols of TCP with all their keys: of one that has no port of its own, the defaults hold on the other's. */
export function filled(protocols: Protocols): {
  readonly grpc: NonNullable<Protocols['grpc']>
  readonly thriftHttp: NonNullable<Protocols['thrift_http']>
} {
  return { grpc: protocols.grpc ?? grpc.parse({}), thriftHttp: protocols.thrift_http ?? thriftHttp.parse({}) }
}
