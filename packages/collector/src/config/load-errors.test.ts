import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CollectorError } from '../component/index.ts'
import { errors, load, MINIMAL } from './load.test.helper.ts'

describe('errors name file, line, column, the key and the way out', () => {
  const exporter = (yaml: string): string => MINIMAL.replace('  debug:\n', `  debug:\n${yaml}\n`)

  test.each<[string, string, string[]]>([
    [
      'port out of range',
      exporter('  otlp/jaeger:\n    endpoint: jaeger:99999'),
      ['otel.yaml:8:5 exporters.otlp/jaeger.endpoint: "jaeger:99999": port out of range (1-65535)'],
    ],
    [
      'a variable without quotes within { }',
      exporter('  debug/a: {verbosity: ${env:VERBOSITY}}'),
      ['otel.yaml:7:25 Unexpected flow-map-start at node end; between { } or [ ] of YAML, write "${…}" in quotes'],
    ],
    [
      'unknown key',
      MINIMAL.replace('      grpc:', '      gprc:'),
      [
        'otel.yaml:3:5 receivers.otlp.protocols: must specify at least one protocol when using the OTLP receiver; write grpc: or http: (or both) in it',
        'otel.yaml:4:7 receivers.otlp.protocols.gprc: unknown key; did you mean "grpc"?; known: grpc, http',
      ],
    ],
    [
      'unknown component type',
      exporter('  otlp_gprc:'),
      [
        'otel.yaml:7:3 exporters.otlp_gprc: unknown exporter type "otlp_gprc"; did you mean "otlp_grpc"?; known: otlp_grpc, otlp_http, load_balancing, debug, file, prometheus, zipkin, kafka, nop',
      ],
    ],
    [
      'missing key',
      exporter('  otlp_grpc:'),
      ['otel.yaml:7:3 exporters.otlp_grpc.endpoint: is missing; expected string'],
    ],
    [
      'wrong type',
      exporter('  otlp_grpc: {endpoint: "a:1", sending_queue: {queue_size: "8k", enabled: yes}}'),
      [
        'otel.yaml:7:48 exporters.otlp_grpc.sending_queue.queue_size: "8k": expected number',
        'otel.yaml:7:66 exporters.otlp_grpc.sending_queue.enabled: "yes": expected boolean',
      ],
    ],
    [
      'wrong choice',
      exporter('  otlp_grpc: {endpoint: "a:1", compression: brotli}'),
      ['otel.yaml:7:32 exporters.otlp_grpc.compression: "brotli": expected one of "gzip"|"zstd"|"snappy"|"none"|""'],
    ],
    [
      'a level that the compression has not',
      exporter('  otlp_grpc: {endpoint: "a:1", compression_params: {level: 12}}'),
      [
        'otel.yaml:7:53 exporters.otlp_grpc.compression_params.level: 12 is not a level of gzip; use 1 (fast) to 9 (small), -1 for 6 or -2 for Huffman coding only',
      ],
    ],
    [
      'middlewares of an exporter and of a receiver',
      exporter('  otlp_grpc: {endpoint: "a:1", middlewares: [{id: fault}]}').replace(
        'grpc:\n',
        'grpc: {middlewares: [{id: fault}]}\n',
      ),
      [
        'otel.yaml:4:28 receivers.otlp.protocols.grpc.middlewares[0]: {"id":"fault"}: there are no middleware extensions, so nothing would be done; remove it',
        'otel.yaml:7:46 exporters.otlp_grpc.middlewares[0]: {"id":"fault"}: there are no middleware extensions, so nothing would be done; remove it',
      ],
    ],
    [
      'duration',
      exporter('  otlp_grpc: {endpoint: "a:1", timeout: 5 parsecs}'),
      ['otel.yaml:7:32 exporters.otlp_grpc.timeout: "5 parsecs": not a duration; write it like 200ms, 5s or 1m30s'],
    ],
    [
      'undefined reference',
      MINIMAL.replace('[debug]', '[debgu]'),
      [
        'otel.yaml:11:19 service.pipelines.traces.exporters[0]: references exporter "debgu" which is not configured; did you mean "debug"?; define it under exporters',
      ],
    ],
    [
      'metadata_keys',
      exporter('processors:\n  batch: {metadata_keys: [tenant, Tenant]}'),
      [
        'otel.yaml:8:35 processors.batch.metadata_keys[1]: duplicate entry in metadata_keys: "tenant" (case-insensitive); remove one',
      ],
    ],
    [
      'batch sizes',
      exporter('processors:\n  batch: {send_batch_size: 10, send_batch_max_size: 5}'),
      [
        'otel.yaml:8:32 processors.batch.send_batch_max_size: send_batch_max_size must be greater or equal to send_batch_size',
      ],
    ],
    [
      'pipeline id',
      MINIMAL.replace('traces:', 'trace:'),
      [
        'otel.yaml:9:5 service.pipelines.trace: "trace": not a pipeline id; did you mean "traces"?; write a signal (traces, metrics, logs) or signal/name',
      ],
    ],
    [
      'no receiver',
      MINIMAL.replace('receivers: [otlp]\n', 'receivers: []\n'),
      ['otel.yaml:9:5 service.pipelines.traces: must have at least one receiver'],
    ],
    [
      'twice the same processor',
      MINIMAL.replace('exporters: [debug]', 'processors: [batch, batch]\n      exporters: [debug]').replace(
        'exporters:\n',
        'processors: {batch: }\nexporters:\n',
      ),
      [
        'otel.yaml:12:27 service.pipelines.traces.processors[1]: references processor "batch" multiple times; remove one',
      ],
    ],
    ['empty file', '', ['otel.yaml:1:1 empty configuration file; it needs receivers, exporters and service.pipelines']],
    ['not a mapping', '- 1', ['otel.yaml:1:1 [1]: expected a mapping']],
    [
      'top key',
      `${MINIMAL}recievers: {}\n`,
      [
        'otel.yaml:12:1 recievers: unknown key; did you mean "receivers"?; known: receivers, processors, exporters, connectors, extensions, service',
      ],
    ],
    [
      'no pipelines',
      'receivers: {nop: }\nexporters: {nop: }\nservice: {pipelines: }',
      [
        'otel.yaml:3:11 service.pipelines: service must have at least one pipeline, like traces: {receivers: [otlp], exporters: [debug]}',
      ],
    ],
    [
      'component id',
      exporter('  debug/: '),
      ['otel.yaml:7:3 exporters.debug/: not a component id; write type or type/name, like otlp or otlp/2'],
    ],
    [
      'duplicate after trimming',
      exporter('  "debug ": '),
      ['otel.yaml:7:3 exporters.debug : duplicate name "debug" after trimming spaces; rename one of them'],
    ],
    [
      'server TLS without a key',
      MINIMAL.replace('grpc:\n', 'grpc: {tls: {cert_file: a.pem}}\n'),
      [
        'otel.yaml:4:14 receivers.otlp.protocols.grpc.tls: TLS configuration must include both certificate and key for server connections; set cert_file and key_file',
      ],
    ],
    [
      'URL without a scheme',
      exporter('  otlp_http: {endpoint: "a:4318"}'),
      ['otel.yaml:7:15 exporters.otlp_http.endpoint: "a:4318": no scheme; write http://a:4318 or https://a:4318'],
    ],
    [
      'log level',
      MINIMAL.replace('service:\n', 'service:\n  telemetry: {logs: {level: loud}}\n'),
      ['otel.yaml:8:22 service.telemetry.logs.level: "loud": not a level; use debug, info, warn, error'],
    ],
  ])('%s', (_, yaml, expected) => {
    expect(errors(yaml)).toEqual(expected)
  })

  test('YAML that is none', () => {
    expect(errors('receivers: {otlp: [}\n')[0]).toMatch(/^otel\.yaml:1:20 /)
    expect(errors('a: 1\na: 2\n')).toEqual(['otel.yaml:2:1 Map keys must be unique'])
  })

  test('all at once, in the order of the file', () => {
    const lines = errors(`receivers:
  otpl:
exporters:
  otlp_grpc: {endpoint: "a:0", retries: 3}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [otlp_grpc, nop]}
`)
    expect(lines.map((line) => line.split(' ', 2).join(' '))).toEqual([
      'otel.yaml:2:3 receivers.otpl:',
      'otel.yaml:4:15 exporters.otlp_grpc.endpoint:',
      'otel.yaml:4:32 exporters.otlp_grpc.retries:',
      'otel.yaml:7:26 service.pipelines.traces.receivers[0]:',
      'otel.yaml:7:56 service.pipelines.traces.exporters[1]:',
    ])
  })
})

test('an alias of what holds it ends with an error', () => {
  expect(errors('receivers: &a {nop: *a}\n')[0]).toMatch(/^otel\.yaml:1:16 receivers\.nop\.nop.*: nested too deeply/)
})

test('any text gives a config or a config error', () => {
  const words = [
    'receivers',
    'otlp',
    'protocols',
    'grpc',
    'exporters',
    'debug',
    'service',
    'pipelines',
    'traces',
    'null',
    '<<',
    '*a',
    '&a',
    '${X}',
    '$$',
    '${env:${Y}}',
    'nop',
    '[',
    ']',
    '{',
    '}',
    ': ',
    '- ',
    '\n',
    '\n  ',
    ',',
    '"',
    '1',
  ]
  const yaml = fc
    .array(fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 4 })), { maxLength: 40 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(yaml, (text) => {
      try {
        load(text, { X: '[a, ${Y}]', Y: 'X' })
      } catch (error) {
        expect(error).toBeInstanceOf(CollectorError)
      }
    }),
    { numRuns: 500 },
  )
})

test('any value in the place of any section gives a config or a config error', () => {
  const value = fc.jsonValue({ maxDepth: 3 })
  fc.assert(
    fc.property(
      fc.constantFrom('receivers', 'processors', 'exporters', 'connectors', 'extensions', 'service'),
      value,
      (section, input) => {
        try {
          load(
            JSON.stringify({
              receivers: { nop: null },
              exporters: { nop: null },
              service: { pipelines: { traces: { receivers: ['nop'], exporters: ['nop'] } } },
              [section]: input,
            }),
          )
        } catch (error) {
          expect(error).toBeInstanceOf(CollectorError)
        }
      },
    ),
    { numRuns: 300 },
  )
})
