/** The config of the `kafka` receiver; keys as in the OpenTelemetry Collector's kafkareceiver, v0.160. Defaults differ in `message_marking`, where theirs would lose data. */
import { z } from 'zod'
import { count, durationMs, section, stringList, withoutEffect } from '../../component/index.ts'
import { clientKeys, clientSwitches, encoding, notSupported, topicName } from '../../kafka-helper/index.ts'

const NO_PATTERNS = 'topics by pattern are not supported; name each topic in `topics`'

const topicNames = z.preprocess(
  (input) => (typeof input === 'string' ? input.split(',').map((part) => part.trim()) : input),
  z.array(topicName).min(1, { error: 'name at least one topic' }),
)

const signalSection = (topic: string) =>
  section({
    topics: topicNames.prefault([topic]).describe('Topics that messages of the signal are read from.'),
    topic: topicName.optional().describe('One topic, before `topics`. Deprecated.'),
    encoding,
    exclude_topics: notSupported(NO_PATTERNS),
    exclude_topic: notSupported(NO_PATTERNS),
  })
    .transform(({ topics, topic, encoding }) => ({ topics: topic === undefined ? topics : [topic], encoding }))
    .prefault({})

const fetchBytes = z
  .int()
  .min(1)
  .max(2 ** 31 - 1)
  .default(1_048_576)

const STRATEGIES = ['cooperative-sticky', 'range', 'roundrobin'] as const

const marking = section({
  after: z
    .boolean()
    .default(true)
    .describe(
      'Whether a message is marked as read only when the pipelines have taken it, so that none is lost. `false` marks it before: what was not handed on when the process ends is lost. Default of otelcol: false.',
    ),
  on_error: z
    .boolean()
    .default(false)
    .describe(
      'Whether a message that the pipelines refuse for now is dropped, and counted, instead of being tried again until they take it.',
    ),
  on_permanent_error: z
    .boolean()
    .default(true)
    .describe(
      'Whether a message that the pipelines refuse for good, or that cannot be read, is dropped, and counted. `false`: its partition stops there until the receiver starts again. Default of otelcol: that of `on_error`.',
    ),
}).prefault({})

const backoff = section({
  enabled: z.boolean().default(false).describe('Whether the waits are those below, and not 100 ms to 5 s.'),
  initial_interval: durationMs.prefault('5s'),
  max_interval: durationMs.prefault('30s'),
  multiplier: z.number().min(1).default(1.5),
  randomization_factor: z.number().min(0).max(1).default(0.5),
  max_elapsed_time: withoutEffect(
    durationMs.optional(),
    'a message is tried until it is taken, or `message_marking.on_error` drops it',
  ),
})

const keys = section(
  {
    ...clientKeys,
    traces: signalSection('otlp_spans'),
    metrics: signalSection('otlp_metrics'),
    logs: signalSection('otlp_logs'),
    profiles: withoutEffect(z.unknown().optional(), 'profiles are not received'),
    group_id: z
      .string()
      .regex(/^\S+$/, { error: 'a group id has no spaces and is not empty' })
      .default('otel-collector')
      .describe('Receivers with one group share its topics: each partition goes to one of them.'),
    group_instance_id: z
      .string()
      .default('')
      .describe(
        'A name that is kept over restarts: partitions wait for it for `session_timeout`, and are not divided anew.',
      ),
    group_rebalance_strategies: z
      .array(
        z.enum(STRATEGIES, {
          error: ({ input }) =>
            `strategy ${JSON.stringify(input)} is not supported; there are ${STRATEGIES.join(', ')}`,
        }),
      )
      .length(1, { error: 'name one strategy, which all of the group have' })
      .prefault(['cooperative-sticky'])
      .describe(
        'How partitions are divided. All of a group, and otelcols in it, must have the same one; this is the default of both.',
      ),
    initial_offset: z
      .enum(['latest', 'earliest'], {
        error: ({ input }) => `initial_offset should be one of 'latest' or 'earliest'; found ${JSON.stringify(input)}`,
      })
      .default('latest')
      .describe('Where a partition is begun that the group has not read yet.'),
    session_timeout: durationMs
      .prefault('10s')
      .describe('So long after its last heartbeat a receiver counts as gone, and its partitions go to others.'),
    heartbeat_interval: durationMs.prefault('3s'),
    min_fetch_size: count
      .default(1)
      .describe('Bytes that a broker waits for before it answers, `max_fetch_wait` at most.'),
    max_fetch_size: fetchBytes.describe(
      'Bytes of an answer, about: a message that is larger comes all the same. Taken from the memory budget before it is asked for.',
    ),
    max_partition_fetch_size: fetchBytes.describe('The same for one partition.'),
    max_fetch_wait: durationMs.prefault('250ms'),
    autocommit: section({
      enable: z
        .boolean()
        .default(true)
        .describe('`false`: what was marked is committed at once, and not in intervals.'),
      interval: durationMs
        .prefault('1s')
        .describe('How often what was marked is committed; what was not is read again after a crash.'),
    }).prefault({}),
    message_marking: marking,
    partition_processing: section({
      independent: withoutEffect(z.boolean().optional(), 'partitions never wait for each other'),
      max_buffered_batches: withoutEffect(count.optional(), 'what is held is bounded by bytes'),
    }).prefault({}),
    header_extraction: section({
      extract_headers: z
        .boolean()
        .default(false)
        .describe('Whether `headers` of a message become attributes of its resources, as `kafka.header.NAME`.'),
      headers: stringList.prefault([]),
    }).prefault({}),
    error_backoff: backoff.prefault({}),
    telemetry: section({
      metrics: section({
        kafka_receiver_records_delay: section({ enabled: z.boolean().default(false) }).prefault({}),
      }).prefault({}),
    }).prefault({}),
  },
  clientSwitches,
)

export const kafkaReceiverConfig = keys.superRefine((config, context) => {
  const fail = (path: string[], message: string): void => context.addIssue({ code: 'custom', path, message })
  if (config.max_fetch_size < config.min_fetch_size) {
    fail(
      ['max_fetch_size'],
      `max_fetch_size (${config.max_fetch_size}) cannot be less than min_fetch_size (${config.min_fetch_size})`,
    )
  }
  if (config.heartbeat_interval >= config.session_timeout) {
    fail(['heartbeat_interval'], 'must be less than session_timeout, a third of it or less')
  }
  const owners = new Map<string, string>()
  for (const signal of ['traces', 'metrics', 'logs'] as const) {
    for (const topic of config[signal].topics) {
      const other = owners.get(topic)
      if (other === undefined) owners.set(topic, signal)
      else fail([signal, 'topics'], `${topic} is a topic of ${other} already; a topic has one signal`)
    }
  }
})

export type KafkaReceiverConfig = z.infer<typeof kafkaReceiverConfig>
