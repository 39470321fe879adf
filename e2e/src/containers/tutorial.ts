/**
 * The tutorial that many come from (github.com/rdsea/sys4bigml, tutorials/observability), with our images in place of
 * Jaeger's and otelcol's: its commands as they are typed there, and both ways in which its Python services set tracing up.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Docker } from './docker.ts'
import type { Image } from './images.ts'
import { PINNED_COLLECTOR, PINNED_JAEGER } from './pinned.ts'
import { newTraceId, PAGE, sendSpan, spanRequest, stopAll, until } from './trial.ts'
import type { Setting } from './trial.ts'

/** The tutorial's images, and which of ours stand in their place where they are not `kept`. */
const INSTEAD: Readonly<Record<string, string>> = {
  [PINNED_JAEGER]: 'spoor',
  [PINNED_COLLECTOR]: 'spoor-collector',
}
/** A registry before an image's name. */
const REGISTRY = 'cr.jaegertracing.io/'

/** A client and a server: Jaeger alone takes the spans. */
export const JAEGER = `docker run --rm --name jaeger \\
  -p 16686:16686 \\
  -p 4317:4317 \\
  -p 4318:4318 \\
  -p 5778:5778 \\
  -p 9411:9411 \\
  cr.jaegertracing.io/jaegertracing/jaeger:2.9.0`

/** A client and a server, with the collector before Jaeger. The network is the one of the services' compose file. */
export const COLLECTOR = `docker run --rm --name jaeger  \\
  -e COLLECTOR_OTLP_ENABLED=true \\
  -p 16686:16686 \\
  cr.jaegertracing.io/jaegertracing/jaeger:2.9.0
docker run --rm --name otelcol  \\
  -v "./config/otel-collector-config.yaml":/etc/otelcol-contrib/config.yaml \\
  -p 4317:4317 -p 4318:4318 \\
  otel/opentelemetry-collector-contrib:0.133.0 \\
  --config /etc/otelcol-contrib/config.yaml
docker network connect deployment_default jaeger
docker network connect deployment_default otelcol`

/** Services in containers: who takes spans is called by its name on their network, and no port of it is published. */
export const UNPUBLISHED = COLLECTOR.replace('  -p 4317:4317 -p 4318:4318 \\\n', '')

/** As the example's README has it. */
export const README = `docker network create tracing
docker run -d --name jaeger --network tracing -e COLLECTOR_OTLP_ENABLED=true -p 16686:16686 jaegertracing/jaeger:2.9.0
docker run -d --name otelcol --network tracing -p 4317:4317 -p 4318:4318 \\
  -v "$PWD/config/otel-collector-config.yaml:/etc/otelcol-contrib/config.yaml" otel/opentelemetry-collector-contrib:0.133.0`

/** Who asks from the services' network: a program in one of its containers. */
const INSIDE = `const [url, body] = process.argv.slice(1)
fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body }).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))`

/** Commands as they are typed, but for the images. @param kept Images that stay what they are. */
export async function typed(
  { engine, images, folder }: Setting,
  commands: string,
  kept: readonly string[] = [],
): Promise<void> {
  mkdirSync(join(folder, 'config'), { recursive: true })
  writeFileSync(join(folder, 'config', 'otel-collector-config.yaml'), CONFIGURATION)
  const imageOf = (typedName: string): Image => {
    const name = typedName.replace(REGISTRY, '')
    const image = images[kept.includes(name) ? name : (INSTEAD[name] ?? name)]
    if (!image) throw new Error(`there is no image ${name}`)
    return image
  }
  // That of `docker compose` for a file in the folder `deployment`; the services are up before.
  engine.createNetwork('deployment_default')
  await new Docker(engine, imageOf, folder).script(commands)
  for (const name of engine.containers.keys()) await engine.untilHealthy(name)
}

/** Then a span is sent, from the machine or from the services' network, and read at the page. */
export async function tutorial(
  setting: Setting,
  commands: string,
  from: 'machine' | 'network',
  kept: readonly string[] = [],
): Promise<void> {
  const { engine, say } = setting
  await typed(setting, commands, kept)
  const traceId = newTraceId()
  if (from === 'machine') await until('a span is taken at 127.0.0.1:4318', () => sendSpan(traceId))
  else
    for (const [name, id] of [
      ['otelcol', traceId],
      ['jaeger', newTraceId()],
    ] as const)
      await until(`a span is taken at ${name}:4318`, async () => {
        const ask = ['node', '-e', INSIDE, `http://${name}:4318/v1/traces`, spanRequest(id)]
        return (await engine.exec('jaeger', ask)).code === 0
      })
  await until('the span is on the page', async () => (await fetch(`${PAGE}/api/traces/${traceId}`)).ok)
  say(`  ✓ ${[...engine.containers.keys()].join(', ')}: healthy; a span that the ${from} has sent is on the page`)
  await stopAll(setting)
}

/** The tutorial's configuration: small batches, and an exporter with a name. */
const CONFIGURATION = `receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:4317
      http:
        endpoint: 0.0.0.0:4318
processors:
  batch:
    send_batch_size: 2
    timeout: 1000ms
    send_batch_max_size: 10
exporters:
  otlp/jaeger:
    endpoint: "jaeger:4317"
    tls:
      insecure: true
service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [batch]
      exporters: [otlp/jaeger]
`
