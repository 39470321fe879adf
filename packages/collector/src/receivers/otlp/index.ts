import { SIGNALS } from '../../otlp-protocol/services.ts'
import type { ReceiverFactory } from '../../component/index.ts'
import { createReceiver } from '../../receiver-helper/index.ts'
import { otlpReceiverConfig, type OtlpReceiverConfig } from './config.ts'
import { createConverter } from './conversion.ts'
import { portsOf } from './ports.ts'

/** Receives OTLP over gRPC and over HTTP (protobuf and JSON). */
export const otlpReceiver: ReceiverFactory<OtlpReceiverConfig> = {
  kind: 'receiver',
  type: 'otlp',
  config: otlpReceiverConfig,
  signals: SIGNALS,
  create(context, config, next) {
    const converter = createConverter()
    return createReceiver(context, next, {
      ports: portsOf(config, converter),
      close: () => converter.close(),
    })
  },
}
