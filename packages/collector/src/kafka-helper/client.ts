/** The client library, loaded when the first component asks for it, and its options from a config. */
import type * as Kafka from '@platformatic/kafka'
import type { BaseOptions } from '@platformatic/kafka'
import { type Context, formatHostPort, type TlsFiles } from '../component/index.ts'
import { openClientTls, type TlsClientOptions } from '../exporter-helper/index.ts'
import { parseBroker, type ClientConfig } from './config.ts'

export type KafkaModule = typeof Kafka

/** It is some hundreds of modules, and who has no Kafka pays for none. */
export function loadKafka(): Promise<KafkaModule> {
  return import('@platformatic/kafka')
}

/** Longest wait for a connection and for an answer that has no time of its own. Milliseconds. */
const CONNECT_MS = 10_000
const REQUEST_MS = 30_000

/** How errors name the cluster. */
export function clusterName({ brokers }: ClientConfig): string {
  return `Kafka at ${brokers.join(', ')}`
}

export interface ClientSettings {
  readonly options: BaseOptions
  /** Reads certificates anew, where they have changed. */
  refresh(): void
  close(): void
}

/** `renew`: is told that a certificate has changed, and connections are to be opened anew. Throws `config` where a file cannot be read. */
export function clientSettings(
  context: Context,
  kind: 'receivers' | 'exporters',
  config: ClientConfig,
  renew: () => void,
): ClientSettings {
  const { auth, metadata, tls } = config
  const files: TlsFiles<TlsClientOptions> | undefined =
    tls === undefined || tls.insecure ? undefined : openClientTls(context, tls, renew, kind)
  const sasl = auth.sasl ?? (auth.plain_text && { ...auth.plain_text, mechanism: 'PLAIN' as const })
  return {
    get options() {
      const { servername, ...options } = files?.options ?? {}
      return {
        clientId: config.client_id,
        ...(config.rack_id !== '' && { clientRack: config.rack_id }),
        bootstrapBrokers: config.brokers.map(parseBroker),
        connectTimeout: CONNECT_MS,
        requestTimeout: REQUEST_MS,
        retries: metadata.retry.max,
        retryDelay: metadata.retry.backoff,
        metadataMaxAge: metadata.refresh_interval,
        // `true`: the name of each broker.
        ...(files && { tls: options, tlsServerName: servername ?? true }),
        ...(sasl && { sasl: { mechanism: sasl.mechanism, username: sasl.username, password: sasl.password } }),
      }
    },
    refresh: () => void files?.refresh(),
    close: () => files?.stop(),
  }
}

/** Counts connections to brokers, as the OpenTelemetry Collector does. */
export function countConnections({ counters, id }: Context, kind: 'receiver' | 'exporter', client: Kafka.Base): void {
  const labels = (broker: Kafka.Broker) => ({ [kind]: id, server_address: formatHostPort(broker.host, broker.port) })
  const on = (event: string, name: string, more: Readonly<Record<string, string>>): void => {
    const listener = ({ broker }: { readonly broker: Kafka.Broker }): void => {
      counters.counter(name, { ...labels(broker), ...more }).value++
    }
    client.on(event as 'client:broker:connect', listener)
  }
  on('client:broker:connect', 'otelcol_kafka_broker_connects', { outcome: 'success' })
  on('client:broker:failed', 'otelcol_kafka_broker_connects', { outcome: 'failure' })
  on('client:broker:disconnect', 'otelcol_kafka_broker_closed', {})
}
