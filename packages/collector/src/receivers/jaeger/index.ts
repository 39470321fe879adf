import type { ReceiverFactory } from '../../component/index.ts'
import { createReceiver, createUdpReceiver, joinReceivers, type UdpSettings } from '../../receiver-helper/index.ts'
import { jaegerReceiverConfig, type JaegerReceiverConfig } from './config.ts'
import { translateBinaryCall, translateCompactCall } from './from-thrift.ts'
import { portsOf } from './ports.ts'

/** Receives Jaeger's spans: over gRPC, and in Thrift over HTTP and as datagrams of the compact and the binary form, as its agent did. */
export const jaegerReceiver: ReceiverFactory<JaegerReceiverConfig> = {
  kind: 'receiver',
  type: 'jaeger',
  config: jaegerReceiverConfig,
  signals: ['traces'],
  create(context, config, next) {
    const ports = portsOf(config)
    return joinReceivers([
      ...(ports.length > 0 ? [createReceiver(context, next, { ports })] : []),
      ...udpOf(config).map((settings) => createUdpReceiver(context, next, settings)),
    ])
  },
}

function udpOf({ protocols }: JaegerReceiverConfig): UdpSettings[] {
  const translates = { thrift_compact: translateCompactCall, thrift_binary: translateBinaryCall }
  return (['thrift_compact', 'thrift_binary'] as const).flatMap((name) => {
    const keys = protocols[name]
    if (!keys) return []
    return {
      transport: `udp_${name}`,
      endpoint: keys.endpoint,
      section: `protocols.${name}`,
      queueSize: keys.queue_size,
      maxPacketSize: keys.max_packet_size,
      workers: keys.workers,
      socketBufferSize: keys.socket_buffer_size,
      translate: translates[name],
    }
  })
}
