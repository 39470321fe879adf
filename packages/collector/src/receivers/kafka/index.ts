/** Reads OTLP from topics of Kafka, as protobuf or JSON. What was read is committed once the pipelines have taken it. */
import type { ReceiverFactory } from '../../component/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { kafkaReceiverConfig, type KafkaReceiverConfig } from './config.ts'
import { openGroup } from './group-client.ts'
import { KafkaReceiver } from './receiver.ts'
import type { OpenGroup } from './session.ts'

/** `open`: who is in a group. Default: a client of the brokers. */
export function createKafkaReceiver(open: OpenGroup = openGroup): ReceiverFactory<KafkaReceiverConfig> {
  return {
    kind: 'receiver',
    type: 'kafka',
    config: kafkaReceiverConfig,
    signals: SIGNALS,
    create: (context, config, next) => new KafkaReceiver(context, config, next, open),
  }
}

export const kafkaReceiver = createKafkaReceiver()
