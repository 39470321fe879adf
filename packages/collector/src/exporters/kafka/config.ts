/** The config of the `kafka` exporter; keys and defaults as in the OpenTelemetry Collector's kafkaexporter, v0.160. */
import { z } from 'zod'
import { count, durationMs, headers, section, stringList, withoutEffect } from '../../component/index.ts'
import { exporterHelperKeys } from '../../exporter-helper/index.ts'
import { clientKeys, clientSwitches, encoding, notSupported, topicName } from '../../kafka-helper/index.ts'

const metadataKey = z.string().toLowerCase()

const signalSection = (topic: string, partitionKeys: string) =>
  section({
    topic: topicName.default(topic),
    encoding,
    topic_from_metadata_key: metadataKey
      .default('')
      .describe(
        'The header of the sender (`include_metadata` of the receiver) whose value is the topic; before all else that names one.',
      ),
    message_key_from_metadata_key: metadataKey
      .default('')
      .describe(`The header of the sender whose value is the message's key. Not together with ${partitionKeys}.`),
  }).prefault({})

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

const producer = section({
  max_message_bytes: z
    .int()
    .min(1)
    .max(2 ** 31 - 1)
    .default(1_000_000)
    .describe(
      'Bytes of a message at most, and of what goes to one partition in a request, before compression. What is larger is divided by its items; a single item that is larger is dropped and counted. A topic takes what its `max.message.bytes` says, 1048588 unless it was changed.',
    ),
  required_acks: z
    .union([z.literal(0), z.literal(1), z.literal(-1), z.literal('all')], {
      error: ({ input }) =>
        `required_acks: ${JSON.stringify(input)} is none; use 0 (nobody), 1 (the leader) or -1 or all (all replicas in sync)`,
    })
    .transform((acks) => (acks === 'all' ? -1 : acks))
    .prefault(1)
    .describe(
      'Who has to have a message before it counts as sent: 1 the leader, -1 or `all` all replicas in sync, 0 nobody, so that it may be lost.',
    ),
  compression: z
    .enum(CODECS, {
      error: ({ input }) => `compression should be one of ${CODECS.join(', ')}; found ${JSON.stringify(input)}`,
    })
    .default('none'),
  compression_params: withoutEffect(
    section({ level: z.int().optional() }).optional(),
    'each codec has one level, its usual one',
  ),
  allow_auto_topic_creation: z
    .boolean()
    .default(true)
    .describe('Whether a topic that is not there is made, where the brokers allow it.'),
  linger: withoutEffect(durationMs.optional(), 'requests are joined by `sending_queue.batch`'),
  flush_max_messages: withoutEffect(count.optional(), 'a request is bounded by bytes'),
  max_broker_write_bytes: withoutEffect(
    count.optional(),
    'a request is bounded by `max_message_bytes` for each partition',
  ),
})

const recordPartitioner = section(
  {
    sticky_key: section({
      hasher: z
        .enum(['sarama_compat', 'murmur2'])
        .default('sarama_compat')
        .describe("`murmur2` is that of Kafka's own clients."),
    })
      .optional()
      .describe(
        'By a hash of the key; messages without one go to one partition for each request, in turn. The default.',
      ),
    round_robin: section({}).optional().describe('To each partition in turn, whatever the key.'),
    least_backup: notSupported('there are sticky_key and round_robin'),
    extension: notSupported('there are sticky_key and round_robin'),
  },
  ['sticky_key', 'round_robin'],
).refine(({ sticky_key: sticky, round_robin: robin }) => sticky === undefined || robin === undefined, {
  message: 'at most one record_partitioner strategy may be configured',
  path: ['round_robin'],
})

const isOn = z.boolean().default(false)
const SIGNAL_HEADER = 'otelcol.signal'

const keys = section(
  {
    ...clientKeys,
    traces: signalSection('otlp_spans', '`partition_traces_by_id`'),
    metrics: signalSection('otlp_metrics', '`partition_metrics_by_resource_attributes`'),
    logs: signalSection('otlp_logs', '`partition_logs_by_…`'),
    profiles: withoutEffect(z.unknown().optional(), 'profiles are not exported'),
    topic_from_attribute: z
      .string()
      .default('')
      .describe('The attribute of the resource whose value is the topic; those that have none go to `topic`.'),
    include_metadata_keys: stringList
      .transform((list) => list.map((key) => key.toLowerCase()))
      .prefault([])
      .describe('Headers of the sender that go with a message as its headers.'),
    record_headers: headers.prefault({}).describe('**Secret.** Headers that each message has.'),
    signal_header: isOn.describe('Whether each message has the header `otelcol.signal`: traces, metrics or logs.'),
    partition_traces_by_id: isOn.describe(
      'A message for each trace, with the trace id in hexadecimal as its key: all of a trace goes to one partition.',
    ),
    partition_metrics_by_resource_attributes: isOn.describe(
      'A message for each resource, with a hash of its attributes as the key. The hash is another than that of otelcol.',
    ),
    partition_logs_by_resource_attributes: isOn,
    partition_logs_by_trace_id: isOn.describe('The same as for traces; records without a trace id have no key.'),
    record_partitioner: recordPartitioner.prefault({}),
    producer: producer.prefault({}),
    timeout: durationMs
      .prefault('5s')
      .describe('Time that one attempt may take, the brokers’ acknowledgement included. 0: no limit.'),
    ...exporterHelperKeys,
  },
  clientSwitches,
)

type Keys = z.infer<typeof keys>

/** What of it does not fit together. */
function problemOf(config: Keys): { readonly path: string[]; readonly message: string } | undefined {
  if (config.partition_logs_by_resource_attributes && config.partition_logs_by_trace_id) {
    const message = 'partition_logs_by_resource_attributes and partition_logs_by_trace_id cannot both be enabled'
    return { path: ['partition_logs_by_trace_id'], message }
  }
  const keyed = {
    traces: config.partition_traces_by_id,
    metrics: config.partition_metrics_by_resource_attributes,
    logs: config.partition_logs_by_resource_attributes || config.partition_logs_by_trace_id,
  }
  for (const signal of ['traces', 'metrics', 'logs'] as const) {
    if (config[signal].message_key_from_metadata_key === '' || !keyed[signal]) continue
    const message = `cannot be combined with a partition_${signal}_by_… that gives messages their key; remove one`
    return { path: [signal, 'message_key_from_metadata_key'], message }
  }
  if (config.signal_header) {
    for (const key of ['include_metadata_keys', 'record_headers'] as const) {
      const names = key === 'record_headers' ? Object.keys(config[key]) : config[key]
      if (names.includes(SIGNAL_HEADER))
        return { path: [key], message: `"${SIGNAL_HEADER}" is reserved when signal_header is enabled` }
    }
  }
  return unpartitioned(config)
}

/** What batches are joined by must have all of the senders' headers that are asked for. */
function unpartitioned(config: Keys): { readonly path: string[]; readonly message: string } | undefined {
  const { enabled, batch } = config.sending_queue
  if (!enabled || batch === undefined) return undefined
  const joined = batch.partition.metadata_keys
  const wanted: [string[], string][] = config.include_metadata_keys.map((name) => [['include_metadata_keys'], name])
  for (const signal of ['traces', 'metrics', 'logs'] as const) {
    for (const key of ['topic_from_metadata_key', 'message_key_from_metadata_key'] as const)
      wanted.push([[signal, key], config[signal][key]])
  }
  const missing = wanted.find(([, name]) => name !== '' && !joined.includes(name))
  if (!missing) return undefined
  const [path, name] = missing
  return {
    path,
    message: `${JSON.stringify(name)} must be in sending_queue.batch.partition.metadata_keys, as requests are joined`,
  }
}

export const kafkaExporterConfig = keys.superRefine((config, context) => {
  const problem = problemOf(config)
  if (problem) context.addIssue({ code: 'custom', ...problem })
})

export type KafkaExporterConfig = z.infer<typeof kafkaExporterConfig>
