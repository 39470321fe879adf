import { describe, expect, test } from 'vitest'
import { builtinFactories } from '../factories.ts'
import { instead } from './instead.ts'
import { errors, load, MINIMAL } from './load.test.helper.ts'

describe('what the OpenTelemetry Collector takes too', () => {
  test('a receiver or exporter that is named twice counts once, and is told', () => {
    const text = MINIMAL.replace('[otlp]', '[otlp, otlp]').replace('[debug]', '[debug, debug]')
    const { pipelines, warnings } = load(text)
    expect(pipelines.get('traces')).toMatchObject({ receivers: ['otlp'], exporters: ['debug'] })
    expect(warnings).toEqual([
      'otel.yaml:10:25 service.pipelines.traces.receivers[1]: has no effect: "otlp" is in the list already',
      'otel.yaml:11:26 service.pipelines.traces.exporters[1]: has no effect: "debug" is in the list already',
    ])
  })

  test('of several documents in a file the first, and the second is told', () => {
    const { pipelines, warnings } = load(`${MINIMAL}---\nservice: {pipelines: {logs: }}\n`)
    expect([...pipelines.keys()]).toEqual(['traces'])
    expect(warnings).toEqual([
      expect.stringContaining('otel.yaml:12:1 has no effect: only the first document of a file is read') as string,
    ])
  })

  test('a header without a value', () => {
    const exporter = 'otlp_http: {endpoint: "http://localhost:4318", headers: {a: , b: c}}'
    const { exporters } = load(MINIMAL.replace('debug:', exporter).replace('[debug]', '[otlp_http]'))
    expect(exporters.get('otlp_http')?.config).toMatchObject({ headers: { a: '', b: 'c' } })
  })
})

describe('what tutorials write and is not here is told with what it is, and what stands in its place:', () => {
  const withComponent = (section: string, type: string): string =>
    MINIMAL.includes(`${section}:`)
      ? MINIMAL.replace(`${section}:`, `${section}:\n  ${type}:`)
      : `${MINIMAL}${section}: {${type}: }\n`

  test.each<[string, string, RegExp]>([
    ['exporters', 'logging', /unknown exporter type "logging"; it is named debug now/],
    ['exporters', 'jaeger', /; it was removed from otelcol, as Jaeger takes OTLP: write otlp_grpc.*; known: otlp_grpc/],
    [
      'exporters',
      'prometheusremotewrite',
      /; it sends metrics to a Prometheus; Prometheus takes OTLP: write otlp_http/,
    ],
    ['exporters', 'loki', /as Loki takes OTLP: write otlp_http/],
    ['receivers', 'opencensus', /; it takes what came before OpenTelemetry; /],
    ['receivers', 'hostmetrics', /; it measures the machine; leave that to an otelcol, with otlp_grpc to send it here/],
    ['receivers', 'host_metrics', /; it measures the machine; /],
    ['connectors', 'failover', /; it sends to another place while one fails; write otlp_grpc/],
    ['connectors', 'round_robin', /; it sends each batch to one of several; write forward/],
    ['extensions', 'memory_ballast', /; it was removed from otelcol; remove it/],
  ])('%s %s', (section, type, expected) => {
    expect(errors(withComponent(section, type))).toContainEqual(expect.stringMatching(expected))
  })

  test.each<[string, RegExp]>([
    ['otlp_grpc: {endpoint: "a:1", insecure: true}', /insecure: unknown key; it is in tls now: \{insecure: …\}/],
    ['otlp_grpc: {endpoint: "a:1", sending_queue: {blocking: true}}', /blocking: unknown key; it is named block_on_/],
    ['otlp_http: {endpoint: "http://a", cors_allowed_origins: []}', /cors_allowed_origins: unknown key; known/],
    ['debug: {loglevel: debug}', /loglevel: unknown key; it is verbosity now/],
    ['debug: {use_internal_logger: false, output_paths: []}', /output_paths: .*must not be empty; remove it/],
    // Where the word never was a key, it is a slip.
    ['debug: {ballast_size_mib: 1}', /ballast_size_mib: unknown key; known/],
  ])('%s', (text, expected) => {
    expect(errors(MINIMAL.replace('debug:', text))).toContainEqual(expect.stringMatching(expected))
  })

  test('what is here is not among them', () => {
    for (const { kind, type, aliases = [] } of builtinFactories)
      expect([type, ...aliases].map((name) => instead(kind, name))).toEqual([type, ...aliases].map(() => undefined))
  })
})

test('a config as people have it', () => {
  const config = load(`
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:4317
      http:
        endpoint: 0.0.0.0:4318
        cors: {allowed_origins: "http://a.example,http://b.example"}
processors:
  batch:
    send_batch_size: 1024
    timeout: 1s
    send_batch_max_size: 2048
exporters:
  otlp/jaeger:
    endpoint: jaeger:4317
    tls: {insecure: true}
    sending_queue: {queue_size: 5}
service:
  telemetry: {logs: {level: WARN}}
  pipelines:
    traces:
      receivers: [otlp]
      processors: [batch]
      exporters: [otlp/jaeger]
`)
  expect(config.telemetry.logs.level).toBe('warn')
  expect(config.receivers.get('otlp')?.config).toMatchObject({
    protocols: {
      grpc: { endpoint: '0.0.0.0:4317', max_recv_msg_size_mib: 0 },
      http: { max_request_body_size: 20971520, cors: { allowed_origins: ['http://a.example', 'http://b.example'] } },
    },
  })
  expect(config.processors.get('batch')?.config).toMatchObject({ send_batch_size: 1024, timeout: 1000 })
  expect(config.exporters.get('otlp/jaeger')?.factory.type).toBe('otlp_grpc')
  expect(config.exporters.get('otlp/jaeger')?.config).toMatchObject({
    timeout: 5000,
    compression: 'gzip',
    sending_queue: { enabled: true, num_consumers: 10, queue_size: 5, sizer: 'requests' },
    retry_on_failure: { initial_interval: 5000, max_interval: 30_000, max_elapsed_time: 300_000 },
  })
  expect([...config.pipelines.values()]).toEqual([
    { id: 'traces', signal: 'traces', receivers: ['otlp'], processors: ['batch'], exporters: ['otlp/jaeger'] },
  ])
  expect(config.warnings).toEqual([
    'otel.yaml:16:3 exporters.otlp/jaeger: "otlp" alias is deprecated; use "otlp_grpc" instead',
  ])
  expect(Object.isFrozen(config.exporters.get('otlp/jaeger')?.config)).toBe(true)
})

describe('environment', () => {
  const batch = (value: string): string =>
    MINIMAL.replace('exporters: [debug]', 'processors: [batch]\n      exporters: [debug]').replace(
      'exporters:\n',
      `processors: {batch: {${value}}}\nexporters:\n`,
    )
  const size = (value: string, env: Record<string, string> = {}): unknown =>
    (load(batch(`send_batch_size: ${value}`), env).processors.get('batch')!.config as { send_batch_size: unknown })
      .send_batch_size

  test('a whole value is read as YAML', () => {
    expect(size('"${env:SIZE}"', { SIZE: '512' })).toBe(512)
    expect(size('"${SIZE}"', { SIZE: '512' })).toBe(512)
    expect(size('"${env:SIZE:-7}"')).toBe(7)
    expect(size('"${env:${WHICH}}"', { WHICH: 'SIZE', SIZE: '9' })).toBe(9)
    expect(size('"${A}"', { A: '${B}', B: '3' })).toBe(3)
  })

  test('text stays text where text is wanted', () => {
    const config = load(
      MINIMAL.replace(
        '  debug:\n',
        '  debug:\n  otlp_grpc: {endpoint: "${HOST}:${PORT}", headers: {a: "${TOKEN}", b: "$$x $y"}}\n',
      ).replace('[debug]', '[debug, otlp_grpc]'),
      {
        HOST: 'jaeger',
        PORT: '4317',
        TOKEN: '0123',
      },
    )
    expect(config.exporters.get('otlp_grpc')?.config).toMatchObject({
      endpoint: 'jaeger:4317',
      headers: { a: '0123', b: '$x $y' },
    })
  })

  test('an unset variable leaves the default and is told', () => {
    const config = load(batch('send_batch_size: "${NOPE}"'))
    expect(config.processors.get('batch')?.config).toMatchObject({ send_batch_size: 8192 })
    expect(config.warnings).toEqual([
      'otel.yaml:5:22 processors.batch.send_batch_size: environment variable NOPE is not set; write ${env:NOPE:-default} to give it a default',
    ])
  })

  test.each([
    ['${env:a.b}', 'environment variable "a.b" has invalid name: must match regex ^[a-zA-Z_][a-zA-Z0-9_]*$'],
    ['${http://x}', '${http://x}: scheme "http" is not supported; use env:NAME, file:NAME or yaml:TEXT'],
    ['${LOOP}', 'too many recursive expansions'],
  ])('%s is an error', (value, message) => {
    expect(errors(batch(`send_batch_size: "${value}"`), { LOOP: 'x${LOOP}' })).toEqual([
      `otel.yaml:5:22 processors.batch.send_batch_size: ${message}`,
    ])
  })
})

test('anchors and merge keys', () => {
  const config = load(`
receivers: {nop: }
exporters:
  otlp_grpc/a: &base {endpoint: "a:1", tls: {insecure: true}}
  otlp_grpc/b: {<<: *base, endpoint: "b:1"}
service: {pipelines: {traces: {receivers: [nop], exporters: [otlp_grpc/a, otlp_grpc/b]}}}
`)
  expect(config.exporters.get('otlp_grpc/b')?.config).toMatchObject({ endpoint: 'b:1', tls: { insecure: true } })
})

test('what is not used is told and not built', () => {
  const config = load(`${MINIMAL}extensions: {}\nprocessors:\n  batch:\n`)
  expect(config.processors.size).toBe(0)
  expect(config.warnings).toEqual(['otel.yaml:14:3 processors.batch: is defined but not used; it is not started'])
})

test('keys that change nothing are told, where they are set', () => {
  const config = load(
    MINIMAL.replace('      grpc:\n', '      grpc: {read_buffer_size: 512, write_buffer_size: }\n')
      .replace(
        'exporters:\n',
        'processors: {memory_limiter: {min_gc_interval_when_soft_limited: 5s, check_interval: 1s, limit_mib: 9}}\nexporters:\n',
      )
      .replace('  debug:\n', '  otlp_grpc: {endpoint: "a:1", balancer_name: round_robin}\n')
      .replace('[debug]', '[otlp_grpc]')
      .replace('      exporters', '      processors: [memory_limiter]\n      exporters'),
  )
  expect(config.warnings).toEqual([
    "otel.yaml:4:14 receivers.otlp.protocols.grpc.read_buffer_size: has no effect: the buffers of sockets are Node's",
    'otel.yaml:5:31 processors.memory_limiter.min_gc_interval_when_soft_limited: has no effect: garbage is collected as often as memory is looked at while there is too much of it',
    'otel.yaml:7:32 exporters.otlp_grpc.balancer_name: has no effect: there is one connection to the endpoint',
  ])
})

test('keys that are JavaScript names are only keys', () => {
  expect(errors(`${MINIMAL}__proto__: {}\nconstructor: {}\n`).length).toBe(2)
})

test('what a processor cannot do with the signal of a pipeline is told once for the signal, with its line', () => {
  const text = `receivers: {otlp: {protocols: {grpc: }}}
processors:
  attributes:
    include: {match_type: strict, span_names: [a]}
    actions: [{key: a, action: delete}]
exporters: {debug: }
service:
  pipelines:
    traces: {receivers: [otlp], processors: [attributes], exporters: [debug]}
    logs: {receivers: [otlp], processors: [attributes], exporters: [debug]}
    logs/2: {receivers: [otlp], processors: [attributes], exporters: [debug]}
`
  expect(errors(text)).toEqual([
    expect.stringMatching(/^otel\.yaml:4:35 processors\.attributes\.include\.span_names: not for logs; /),
  ])
})

test('headers as a list, and words whose case does not count', () => {
  const text =
    'otlp_grpc: {endpoint: "unix:///a", headers: [{name: a, value: b}, {name: c}]}\n  debug: {verbosity: DETAILED}'
  const { exporters } = load(MINIMAL.replace('debug:', text))
  expect(exporters.get('debug')?.config).toMatchObject({ verbosity: 'detailed' })
  expect(errors(MINIMAL.replace('debug:', 'debug:\n  otlp_grpc: {endpoint: "unix:a", headers: [{nam: a}]}'))).toEqual([
    expect.stringContaining('otlp_grpc.endpoint: "unix:a"') as string,
    expect.stringContaining('otlp_grpc.headers: [{"nam":"a"}]: expected record') as string,
  ])
})

test.each([
  ['sending_queue: {enabled: false, queue_size: 0}', []],
  ['sending_queue: {queue_size: 0}', [/queue_size: 0: /]],
  ['retry_on_failure: {multiplier: 0.5}', []],
  ['retry_on_failure: {max_elapsed_time: 20s}', [/max_elapsed_time: must not be less than max_interval \(30000ms\)/]],
  ['retry_on_failure: {max_elapsed_time: 20s, max_interval: 5s}', []],
  ['retry_on_failure: {enabled: false, max_elapsed_time: 20s}', []],
])('as otelcol validates it: %s', (text, expected) => {
  const found = errors(MINIMAL.replace('debug:', `debug:\n  otlp_grpc: {endpoint: "a:1", ${text}}`))
  expect(found).toEqual(expected.map((each) => expect.stringMatching(each) as string))
})

test('a size of bodies that is no size is the default, as otelcol has it', () => {
  const { receivers } = load(MINIMAL.replace('      grpc:', '      http: {max_request_body_size: -1}'))
  expect(receivers.get('otlp')?.config).toMatchObject({ protocols: { http: { max_request_body_size: 20_971_520 } } })
})

describe('what no component sees by itself', () => {
  const looped = (
    endpoint: string,
    pipelines: string,
    receiver = 'protocols: { grpc: }',
  ): string => `receivers: { otlp: { ${receiver} } }
exporters:
  otlp_grpc: { endpoint: '${endpoint}', tls: { insecure: true } }
  debug:
connectors: { forward: }
service: { pipelines: { ${pipelines} } }
`
  const direct = 'traces: { receivers: [otlp], exporters: [otlp_grpc] }'
  const through =
    'traces: { receivers: [otlp], exporters: [forward] }, traces/2: { receivers: [forward], exporters: [otlp_grpc] }'
  const apart = 'traces: { receivers: [otlp], exporters: [debug] }'
  const own = 'protocols: { grpc: { endpoint: 0.0.0.0:5317 } }'

  test.each([
    ['127.0.0.1:4317', direct, undefined],
    ['http://localhost:4317', direct, undefined],
    ['[::1]:4317', through, undefined],
    ['127.0.0.1:5317', direct, own],
  ])('a collector that exports to itself is refused: %s', (endpoint, pipelines, receiver) => {
    const [line, ...more] = errors(looped(endpoint, pipelines, receiver))
    expect(more).toEqual([])
    expect(line).toMatch(/^otel\.yaml:3:\d+ exporters\.otlp_grpc\.endpoint: .* is where the receiver otlp listens/)
  })

  test.each([
    ['127.0.0.1:4327', direct, undefined],
    ['backend:4317', direct, undefined],
    ['127.0.0.1:4317', direct, own],
    ['127.0.0.1:4317', `${apart}, logs: { receivers: [otlp], exporters: [debug] }`, undefined],
  ])('one that does not is taken: %s', (endpoint, pipelines, receiver) => {
    expect(errors(looped(endpoint, pipelines, receiver))).toEqual([])
  })

  test('memory_limiter behind batch is told, with the order', () => {
    const of = (order: string): readonly string[] =>
      load(
        MINIMAL.replace(
          'exporters:',
          'processors: { batch: , memory_limiter: { limit_mib: 100, check_interval: 1s } }\nexporters:',
        ).replace('      exporters:', `      processors: [${order}]\n      exporters:`),
      ).warnings
    expect(of('memory_limiter, batch')).toEqual([])
    expect(of('batch, memory_limiter')).toEqual([
      expect.stringContaining(
        'processors[1]: stands behind batch, which has taken what it would refuse; write processors: [memory_limiter, batch]',
      ) as string,
    ])
  })
})
