/** Writes to topics of Kafka: OTLP as protobuf or JSON, a message for each request, trace or resource. */
import type { ExporterFactory } from '../../component/index.ts'
import { createExporter } from '../../exporter-helper/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { kafkaExporterConfig, type KafkaExporterConfig } from './config.ts'
import { KafkaSender, type OpenProducer } from './kafka-sender.ts'
import { createProducer } from './producer.ts'

/** `open`: what writes. Default: a client of the brokers. */
export function createKafkaExporter(open: OpenProducer = createProducer): ExporterFactory<KafkaExporterConfig> {
  return {
    kind: 'exporter',
    type: 'kafka',
    config: kafkaExporterConfig,
    signals: SIGNALS,
    create: (context, config) =>
      createExporter(
        context,
        { queue: config.sending_queue, retry: config.retry_on_failure, timeoutMs: config.timeout },
        new KafkaSender(context, config, open),
      ),
  }
}

export const kafkaExporter = createKafkaExporter()
