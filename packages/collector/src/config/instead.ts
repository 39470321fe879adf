/**
 * What the components do that the OpenTelemetry Collector has, or had, that people know from its tutorials, and that are not here; and what to
 * do about each. A type in its old and its new spelling (`hostmetrics`, `host_metrics`) is one.
 */
import type { Kind } from '../component/index.ts'

const OVER_OTLP = 'write otlp, and let the senders speak OTLP, as all OpenTelemetry SDKs do'
/** For what only receives. */
const LEAVE = 'leave that to an otelcol, with otlp_grpc to send it here'
/** For what only sends. */
const HAND_ON = 'write otlp_grpc to an otelcol, and this there'
const PROMETHEUS = 'Prometheus takes OTLP: write otlp_http with http://HOST:9090/api/v1/otlp'
const ATTRIBUTES = 'write resource with the attributes, or OTEL_RESOURCE_ATTRIBUTES where the spans are made'

const INSTEAD: Partial<Record<Kind, Readonly<Record<string, string>>>> = {
  receiver: {
    opencensus: `it takes what came before OpenTelemetry; ${OVER_OTLP}`,
    hostmetrics: `it measures the machine; ${LEAVE}`,
    prometheus: `it scrapes metrics; ${LEAVE}`,
    prometheussimple: `it scrapes metrics; ${LEAVE}`,
    filelog: `it reads lines of logs; ${LEAVE}, or write otlp_json_file for files of OTLP`,
    journald: `it reads logs of systemd; ${LEAVE}`,
    syslog: `it takes syslog; ${LEAVE}`,
    tcplog: `it takes lines of logs; ${LEAVE}`,
    udplog: `it takes lines of logs; ${LEAVE}`,
    fluentforward: `it takes what Fluentd and Fluent Bit forward; write otlp, and their output for OpenTelemetry`,
    statsd: `it takes StatsD; ${LEAVE}`,
    dockerstats: `it measures containers; ${LEAVE}`,
    kubeletstats: `it measures pods and nodes; ${LEAVE}`,
    k8scluster: `it watches the cluster; ${LEAVE}`,
    k8sevents: `it watches the cluster; ${LEAVE}`,
    k8sobjects: `it watches the cluster; ${LEAVE}`,
  },
  processor: {
    k8sattributes: `it asks Kubernetes for attributes; ${ATTRIBUTES} (from the downward API)`,
    metricstransform: 'it changes metrics; write transform with metric_statements',
    routing: 'it is a connector now, routing under connectors',
  },
  exporter: {
    logging: 'it is named debug now, and its loglevel is verbosity (basic, normal, detailed)',
    jaeger: 'it was removed from otelcol, as Jaeger takes OTLP: write otlp_grpc with its port 4317',
    jaegerthrift: 'it was removed from otelcol, as Jaeger takes OTLP: write otlp_http with its port 4318',
    opencensus: 'it was removed from otelcol; write otlp_grpc',
    prometheusremotewrite: `it sends metrics to a Prometheus; ${PROMETHEUS}`,
    loki: 'it was removed from otelcol, as Loki takes OTLP: write otlp_http with http://HOST:3100/otlp',
    clickhouse: `it writes to ClickHouse; ${HAND_ON}`,
    elasticsearch: `it writes to Elasticsearch; ${HAND_ON}`,
    datadog: `it sends to Datadog; ${HAND_ON}`,
    awsxray: `it sends to X-Ray; ${HAND_ON}`,
    googlecloud: `it sends to Google Cloud; ${HAND_ON}`,
    azuremonitor: `it sends to Azure; ${HAND_ON}`,
    splunkhec: `it sends to Splunk; ${HAND_ON}`,
  },
  connector: {
    roundrobin: 'it sends each batch to one of several; write forward to one of them',
    failover:
      'it sends to another place while one fails; write otlp_grpc with sending_queue.storage, which keeps it until then',
  },
  extension: {
    memoryballast: 'it was removed from otelcol; remove it, memory_limiter bounds the memory',
    healthcheckv2: 'write health_check with use_v2: true',
    oauth2client: 'it gets tokens from a server; write bearertokenauth with filename, and keep the token in that file',
    oidc: 'it checks tokens of a login server; write bearertokenauth or basicauth, or tls.client_ca_file at the receiver',
    headerssetter: 'it sets headers from the context; write headers at the exporter',
    jaegerquery: 'it is the page of Jaeger; spoor serves its own, with the API of Jaeger, without an extension',
    jaegerstorage: 'it is the store of Jaeger; write the exporter spoor_storage',
    opamp: 'it is steered by a server; write --watch, which takes a configuration when its file changes',
  },
}

/** `; write debug …`, or undefined where nothing is known to stand in its place. */
export function instead(kind: Kind, type: string): string | undefined {
  const spelling = type.replaceAll('_', '')
  const way = Object.entries(INSTEAD[kind] ?? {}).find(([name]) => name === spelling)?.[1]
  return way === undefined ? undefined : `; ${way}`
}
