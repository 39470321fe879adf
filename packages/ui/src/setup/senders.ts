import type { Addresses } from './addresses.ts'

/** Lines to copy, and what they are for. */
export interface Step {
  readonly title: string
  readonly text: string
}

/** One kind of program that sends traces. */
export interface Sender {
  /** In the address. */
  readonly name: string
  readonly label: string
  readonly steps: (addresses: Addresses) => readonly Step[]
  /** What goes wrong most often. */
  readonly note?: string
}

/** The environment that every SDK reads. HTTP where there is the choice: it passes what is in between, and its errors can be read. */
export function environment({ http, grpc }: Addresses): string {
  const [endpoint, protocol] = http ? [http, 'http/protobuf'] : [grpc ?? '', 'grpc']
  return [
    'export OTEL_SERVICE_NAME=my-service',
    `export OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint}`,
    `export OTEL_EXPORTER_OTLP_PROTOCOL=${protocol}`,
  ].join('\n')
}

const where = (addresses: Addresses): Step => ({
  title: 'Where to, in the environment of the program',
  text: environment(addresses),
})
const lines = (...all: readonly string[]) => all.join('\n')

/** The path that an exporter in code has to be given, where the environment would have it added. */
const tracesUrl = ({ http }: Addresses) => `${http ?? 'http://127.0.0.1:4318'}/v1/traces`

export const senders: readonly [Sender, ...Sender[]] = [
  {
    name: 'node',
    label: 'Node',
    steps: (addresses) => [
      where(addresses),
      {
        title: 'In front of the program, whose code stays as it is',
        text: lines('npm install @spoor/instrument', 'node --import @spoor/instrument/register app.js'),
      },
    ],
    note: 'It has to be loaded before what it traces: --import sees to that, an import in the program does not.',
  },
  {
    name: 'nextjs',
    label: 'Next.js',
    steps: (addresses) => [
      where(addresses),
      { title: 'Once', text: 'npm install @spoor/instrument' },
      {
        title: 'In instrumentation.ts, beside package.json, or in src/ where there is one',
        text: lines(
          'export async function register() {',
          `  if (process.env.NEXT_RUNTIME === 'nodejs') await import('@spoor/instrument/register')`,
          '}',
        ),
      },
      {
        title: 'In next.config.js, so that it is not bundled',
        text: `module.exports = { serverExternalPackages: ['@spoor/instrument'] }`,
      },
    ],
    note: 'Next.js loads instrumentation.ts by itself; before version 15 only with experimental.instrumentationHook in next.config.',
  },
  {
    name: 'python',
    label: 'Python',
    steps: (addresses) => [
      where(addresses),
      {
        title: 'Once, in the environment of the program',
        text: lines(
          'pip install opentelemetry-distro opentelemetry-exporter-otlp',
          'opentelemetry-bootstrap -a install',
        ),
      },
      { title: 'In front of the program', text: 'opentelemetry-instrument python app.py' },
    ],
    note: 'A server that forks or reloads (gunicorn, uvicorn --reload, Flask in debug mode) loses what was set up before: start it without reloading, or set it up after the fork.',
  },
  {
    name: 'go',
    label: 'Go',
    steps: (addresses) => [
      where(addresses),
      {
        title: 'Once',
        text: 'go get go.opentelemetry.io/otel/sdk go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp',
      },
      {
        title: 'At the start of main()',
        text: lines(
          'exporter, err := otlptracehttp.New(ctx)',
          'if err != nil { log.Fatal(err) }',
          'provider := trace.NewTracerProvider(trace.WithBatcher(exporter))',
          'defer provider.Shutdown(ctx)',
          'otel.SetTracerProvider(provider)',
          'otel.SetTextMapPropagator(propagation.TraceContext{})',
        ),
      },
    ],
    note: 'Go has no automatic instrumentation of libraries: wrap handlers and clients with otelhttp and its kin, and hand ctx on.',
  },
  {
    name: 'java',
    label: 'Java',
    steps: (addresses) => [
      where(addresses),
      {
        title: 'Once',
        text: 'curl -LO https://github.com/open-telemetry/opentelemetry-java-instrumentation/releases/latest/download/opentelemetry-javaagent.jar',
      },
      { title: 'In front of the program', text: 'java -javaagent:opentelemetry-javaagent.jar -jar app.jar' },
    ],
  },
  {
    name: 'dotnet',
    label: '.NET',
    steps: (addresses) => [
      where(addresses),
      {
        title: 'Once, in the project',
        text: lines(
          'dotnet add package OpenTelemetry.Extensions.Hosting',
          'dotnet add package OpenTelemetry.Exporter.OpenTelemetryProtocol',
          'dotnet add package OpenTelemetry.Instrumentation.AspNetCore',
          'dotnet add package OpenTelemetry.Instrumentation.Http',
        ),
      },
      {
        title: 'In Program.cs, before Build()',
        text: lines(
          'builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing',
          '    .AddAspNetCoreInstrumentation()',
          '    .AddHttpClientInstrumentation()',
          '    .AddOtlpExporter());',
        ),
      },
    ],
    note: 'Without OTEL_EXPORTER_OTLP_PROTOCOL it speaks gRPC, whatever the port.',
  },
  {
    name: 'browser',
    label: 'Browser',
    steps: ({ http }) => [
      {
        title: 'Once',
        text: 'npm install @spoor/web',
      },
      {
        title: 'First in the page’s own script',
        text: lines(
          `import { startTracing } from '@spoor/web'`,
          '',
          `startTracing({ service: 'my-page', url: '${http ?? 'http://127.0.0.1:4318'}' })`,
        ),
      },
      {
        title:
          'Or without a bundler: node_modules/@spoor/web/dist/bundle/spoor-web.js beside the page, and in its head',
        text: `<script src="/spoor-web.js" data-service="my-page" data-url="${http ?? 'http://127.0.0.1:4318'}"></script>`,
      },
      {
        title: 'Where the page is not of this machine: let its origin in',
        text: 'spoor --cors https://shop.example',
      },
    ],
    note: 'Only services of the page’s own origin, and those named in propagateTo, are told of its trace; a Content-Security-Policy has to have this address in connect-src.',
  },
  {
    name: 'collector',
    label: 'Collector',
    steps: ({ http, grpcHost }) => [
      {
        title: 'In its configuration, beside what is there',
        text: lines(
          'exporters:',
          ...(grpcHost
            ? ['  otlp/spoor:', `    endpoint: ${grpcHost}`, '    tls:', '      insecure: true']
            : ['  otlphttp/spoor:', `    endpoint: ${http ?? ''}`]),
          'service:',
          '  pipelines:',
          '    traces:',
          '      receivers: [otlp]',
          `      exporters: [${grpcHost ? 'otlp/spoor' : 'otlphttp/spoor'}]`,
        ),
      },
    ],
    note: 'An exporter that no pipeline names does nothing.',
  },
]

/** One span, made by hand, to see whether anything comes. */
export function byHand(addresses: Addresses): string {
  const span =
    '{"traceId":"\'$(openssl rand -hex 16)\'","spanId":"\'$(openssl rand -hex 8)\'","name":"hello","startTimeUnixNano":"\'$(date +%s)\'000000000","endTimeUnixNano":"\'$(date +%s)\'100000000"}'
  const resource = '{"attributes":[{"key":"service.name","value":{"stringValue":"by-hand"}}]}'
  return lines(
    `curl ${tracesUrl(addresses)} -H 'content-type: application/json' \\`,
    `  -d '{"resourceSpans":[{"resource":${resource},"scopeSpans":[{"spans":[${span}]}]}]}'`,
  )
}
