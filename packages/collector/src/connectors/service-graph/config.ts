/** The config of the `service_graph` connector; keys and defaults as in the OpenTelemetry Collector's servicegraphconnector. */
import { z } from 'zod'
import { count, durationMs, section, stringList, withoutEffect } from '../../component/index.ts'

/** Milliseconds. */
export const USUAL_BUCKETS: readonly number[] = [
  2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000,
]
const PEERS = ['peer.service', 'db.name', 'db.system']
const DATABASES = ['db.name']

/** `usual`: what 0 means, in milliseconds. */
const interval = (usual: number) => durationMs.prefault(`${usual}ms`).transform((ms) => (ms > 0 ? ms : usual))
const quoted = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ')

export const serviceGraphConfig = section({
  latency_histogram_buckets: z
    .array(durationMs)
    .optional()
    .describe(`Upper bounds of the buckets of durations, as \`100ms\`. Default: ${USUAL_BUCKETS.join(', ')} ms.`),
  exponential_histogram_max_size: z
    .int()
    .min(0, { error: 'expected 0 or more' })
    .default(0)
    .describe('Instead: buckets that grow exponentially, as fine as fits into so many. 0: explicit buckets.'),
  dimensions: stringList
    .default([])
    .describe(
      'Attributes of resources or spans that the metrics have besides `client`, `server`, `connection_type` and `failed`: `client_NAME` from the caller, `server_NAME` from the called.',
    ),
  store: section({
    ttl: durationMs.prefault('2s').describe('How long a span waits for the one at the other end.'),
    max_items: count.default(1000).describe('Spans that wait at most. What comes beyond is dropped, and counted.'),
  }).prefault({}),
  cache_loop: interval(60_000).describe(
    'How often series are looked for that have not changed for 15 minutes; they go.',
  ),
  store_expiration_loop: interval(2000).describe('How often spans are looked for that have waited too long.'),
  virtual_node_peer_attributes: stringList
    .default(PEERS)
    .describe(
      `Attributes of a caller's span that name the called where that sends no spans, the first that is there. Without any there is \`unknown\`, and callers that send no spans are \`user\`. An empty list: no such nodes. Default: ${quoted(PEERS)}.`,
    ),
  virtual_node_extra_label: z
    .boolean()
    .default(false)
    .describe('Whether the metrics have `virtual_node`: `client` or `server` where that one sends no spans.'),
  metrics_flush_interval: durationMs
    .prefault('60s')
    .describe('How often the metrics are handed on. 0: with each batch of spans.'),
  metrics_timestamp_offset: durationMs.prefault('0s').describe('By how much the times of points are before now.'),
  database_name_attributes: stringList
    .default(DATABASES)
    .transform((names) => (names.length > 0 ? names : DATABASES))
    .describe(
      `Attributes that name a database, the first that is there: a caller that has one does not wait for the other end. Default: ${quoted(DATABASES)}.`,
    ),
  metrics_exporter: withoutEffect(z.string().optional(), 'the metrics go to the pipelines that the connector feeds'),
}).superRefine((config, context) => {
  if (config.latency_histogram_buckets && config.exponential_histogram_max_size > 0) {
    const message = 'use either latency_histogram_buckets or exponential_histogram_max_size; remove one of them'
    context.addIssue({ code: 'custom', message, path: ['exponential_histogram_max_size'] })
  }
})

export type ServiceGraphConfig = z.infer<typeof serviceGraphConfig>
