/**
 * Names, types, levels and labels of the own metrics of an OpenTelemetry Collector 0.160 are here, too. The list is what a real one gave at the three levels, after
 * the traffic below by the configuration below: beside what is of its own library (`promhttp_…`), and
 * `otelcol_process_runtime_total_alloc_bytes`, as V8 does not tell how much was ever allocated.
 */
import { expect, onTestFinished, test, vi } from 'vitest'
import { createCollector } from '../collector.ts'
import { builtinFactories } from '../factories.ts'
import { createTestLogger, freePort, logsRequest, metricsRequest, postOtlp, tracesRequest } from '../testkit/index.ts'
import { COLLECTOR_METRICS } from './catalogue.ts'

/** Type, the least level that has it, and labels. */
const REAL: Readonly<Record<string, readonly [type: string, level: string, labels: string]>> = {
  http_client_request_body_size: [
    'histogram',
    'detailed',
    'error_type http_request_method http_response_status_code network_protocol_name network_protocol_version server_address server_port url_scheme',
  ],
  http_client_request_duration: [
    'histogram',
    'detailed',
    'error_type http_request_method http_response_status_code network_protocol_name network_protocol_version server_address server_port url_scheme',
  ],
  http_server_request_body_size: [
    'histogram',
    'detailed',
    'http_request_method http_response_status_code http_route network_protocol_name network_protocol_version server_address server_port url_scheme',
  ],
  http_server_request_duration: [
    'histogram',
    'detailed',
    'http_request_method http_response_status_code http_route network_protocol_name network_protocol_version server_address server_port url_scheme',
  ],
  http_server_response_body_size: [
    'histogram',
    'detailed',
    'http_request_method http_response_status_code http_route network_protocol_name network_protocol_version server_address server_port url_scheme',
  ],
  otelcol_exporter_enqueue_failed_spans: ['counter', 'basic', 'exporter'],
  otelcol_exporter_enqueue_size: ['histogram', 'detailed', 'exporter'],
  otelcol_exporter_enqueue_size_bytes: ['histogram', 'detailed', 'exporter'],
  otelcol_exporter_in_flight_requests: ['gauge', 'basic', 'data_type exporter'],
  otelcol_exporter_queue_capacity: ['gauge', 'basic', 'data_type exporter'],
  otelcol_exporter_queue_size: ['gauge', 'basic', 'data_type exporter'],
  otelcol_exporter_send_failed_spans: [
    'counter',
    'basic',
    'error_permanent error_type exporter server_address server_port url_path',
  ],
  otelcol_exporter_sent_log_records: ['counter', 'basic', 'exporter server_address server_port url_path'],
  otelcol_exporter_sent_metric_points: ['counter', 'basic', 'exporter server_address server_port url_path'],
  otelcol_exporter_sent_spans: ['counter', 'basic', 'exporter server_address server_port url_path'],
  otelcol_process_cpu_seconds: ['counter', 'basic', ''],
  otelcol_process_memory_rss: ['gauge', 'basic', ''],
  otelcol_process_runtime_heap_alloc_bytes: ['gauge', 'basic', ''],
  otelcol_process_runtime_total_sys_memory_bytes: ['gauge', 'basic', ''],
  otelcol_process_uptime: ['counter', 'basic', ''],
  otelcol_processor_batch_batch_send_size: ['histogram', 'normal', 'processor'],
  otelcol_processor_batch_batch_send_size_bytes: ['histogram', 'detailed', 'processor'],
  otelcol_processor_batch_metadata_cardinality: ['gauge', 'normal', 'processor'],
  otelcol_processor_batch_timeout_trigger_send: ['counter', 'normal', 'processor'],
  otelcol_processor_incoming_items: ['counter', 'basic', 'otel_signal processor'],
  otelcol_processor_internal_duration: ['histogram', 'detailed', 'otel_signal processor'],
  otelcol_processor_memory_limiter_accepted_log_records: ['counter', 'basic', 'processor'],
  otelcol_processor_memory_limiter_accepted_metric_points: ['counter', 'basic', 'processor'],
  otelcol_processor_memory_limiter_accepted_spans: ['counter', 'basic', 'processor'],
  otelcol_processor_outgoing_items: ['counter', 'basic', 'otel_signal processor'],
  otelcol_receiver_accepted_log_records: ['counter', 'basic', 'receiver transport'],
  otelcol_receiver_accepted_metric_points: ['counter', 'basic', 'receiver transport'],
  otelcol_receiver_accepted_spans: ['counter', 'basic', 'receiver transport'],
  otelcol_receiver_failed_log_records: ['counter', 'basic', 'receiver transport'],
  otelcol_receiver_failed_metric_points: ['counter', 'basic', 'receiver transport'],
  otelcol_receiver_failed_spans: ['counter', 'basic', 'receiver transport'],
  otelcol_receiver_refused_log_records: ['counter', 'basic', 'receiver transport'],
  otelcol_receiver_refused_metric_points: ['counter', 'basic', 'receiver transport'],
  otelcol_receiver_refused_spans: ['counter', 'basic', 'receiver transport'],
  rpc_client_call_duration: [
    'histogram',
    'detailed',
    'rpc_method rpc_response_status_code rpc_system_name server_address server_port',
  ],
  rpc_server_call_duration: ['histogram', 'detailed', 'rpc_method rpc_response_status_code rpc_system_name'],
  target_info: ['gauge', 'basic', 'service_instance_id service_name service_version team'],
}

const configOf = (way: string, dead: string): string => `
receivers:
  otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}
  otlp/far: {protocols: {grpc: {endpoint: "127.0.0.1:${way}"}}}
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 2000}
  batch: {timeout: 1ms}
exporters:
  nop:
  otlp_grpc: {endpoint: "127.0.0.1:${way}", tls: {insecure: true}}
  otlp_http/far: {endpoint: "http://127.0.0.1:${way}"}
  otlp_http: {endpoint: "http://127.0.0.1:${dead}", sending_queue: {queue_size: 1, num_consumers: 1}}
  otlp_http/gone: {endpoint: "http://127.0.0.1:${way}/elsewhere"}
service:
  telemetry:
    resource: {service.name: edge, team: blue}
    metrics: {level: detailed, readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]}
  pipelines:
    traces: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp_grpc, otlp_http, otlp_http/gone]}
    metrics: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp_grpc]}
    logs: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp_grpc, otlp_http/far]}
    traces/far: {receivers: [otlp/far], exporters: [nop]}
    metrics/far: {receivers: [otlp/far], exporters: [nop]}
    logs/far: {receivers: [otlp/far], exporters: [nop]}
`

test('what a real otelcol tells of itself is told by the same names', async () => {
  const collector = createCollector({
    config: configOf(String(await freePort()), String(await freePort())),
    factories: builtinFactories,
    logger: createTestLogger(),
    servesMetrics: true,
  })
  onTestFinished(() => collector.shutdown({ deadlineMs: 1000 }))
  await collector.start()
  const at = (component: string): string =>
    collector.listening().find((each) => each.component === component)?.address ?? ''
  const otlp = at('otlp')
  for (let seed = 0; seed < 4; seed++) await postOtlp(otlp, 'traces', tracesRequest({ spans: 3, seed }))
  await postOtlp(otlp, 'metrics', metricsRequest(2))
  await postOtlp(otlp, 'logs', logsRequest(2))
  expect(await postOtlp(otlp, 'traces', Buffer.from('nothing'))).toBe(400)
  expect((await fetch(`http://${otlp}/elsewhere`, { method: 'POST' })).status).toBe(404)
  await vi.waitFor(async () => {
    const text = await (await fetch(`http://${at('telemetry')}/metrics`)).text()
    const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]))
    for (const [name, [type, level, labels]] of Object.entries(REAL)) {
      expect([name, types.get(name), COLLECTOR_METRICS[name]?.level ?? 'basic']).toEqual([name, type, level])
      const series = text.split('\n').filter((line) => line.replace(/_count(?=\{)/, '').startsWith(`${name}{`))
      const own = series.flatMap((line) => [...line.matchAll(/(\w+)="/g)].map(([, label]) => label))
      expect(own, name).toEqual(expect.arrayContaining(labels.split(' ').filter((label) => label !== '')))
    }
    expect(text).toMatch(/otelcol_exporter_send_failed_spans\{[^}]*error_type="Unimplemented",error_permanent="true"/)
    expect(text).toMatch(/rpc_client_call_duration_count\{[^}]*rpc_response_status_code="OK"[^}]*\} [1-9]/)
    expect(text).toMatch(/http_server_request_body_size_sum\{[^}]*code="400",http_route="\/v1\/traces"[^}]*\} 7$/m)
    expect(text).toMatch(/target_info\{.*service_name="edge".*team="blue".*\} 1/)
  })
})
