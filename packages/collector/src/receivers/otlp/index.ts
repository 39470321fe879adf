import { SIGNALS } from '../../otlp-protocol/services.ts'
import type { ReceiverFactory } from '../../component/index.ts'
import { otlpReceiverConfig, type OtlpReceiverConfig } from './config.ts'
import { OtlpReceiver } from './receiver.ts'

/** Receives OTLP over gRPC and over HTTP (protobuf and JSON). */
export const otlpReceiver: ReceiverFactory<OtlpReceiverConfig> = {
  kind: 'receiver',
  type: 'otlp',
  config: otlpReceiverConfig,
  signals: SIGNALS,
  create: (context, config, next) => new OtlpReceiver(context, config, next),
}
