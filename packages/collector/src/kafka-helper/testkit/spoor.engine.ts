/** The program as a user has it, from the bundle where that is built: Kafka's topics in its store, on its page. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeTraces } from '@spoor/otlp'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { freePort, tracesRequest } from '../../testkit/index.ts'
import { startBroker, type Broker } from './broker.ts'
import { JARS, writeTopic } from './fixture.ts'

const PROGRAM = fileURLToPath(new URL('../../../../server/bin/spoor.js', import.meta.url))
const isBuilt = existsSync(fileURLToPath(new URL('../../../../server/dist/main.js', import.meta.url)))

interface Report {
  readonly trace: { readonly spans: number }
}
interface Pipelines {
  readonly pipelines: readonly {
    readonly components: readonly {
      readonly id: string
      readonly status: { readonly status: string; readonly message: string }
    }[]
  }[]
}

let broker: Broker
beforeAll(async () => {
  broker = await startBroker(JARS)
})
afterAll(() => broker.close())

test.runIf(isBuilt)(
  'what came twice is shown once; a broker that is away is told on the page and read from when it is back',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spoor-kafka-'))
    const config = join(folder, 'ingest.yaml')
    writeFileSync(
      config,
      `receivers: {kafka: {brokers: ["${broker.address}"], initial_offset: earliest, group_id: spoor}}
exporters: {spoor_storage: }
service: {pipelines: {traces: {receivers: [kafka], exporters: [spoor_storage]}}}
`,
    )
    const page = `127.0.0.1:${await freePort()}`
    const args = [
      '--config',
      config,
      '--data',
      join(folder, 'data'),
      '--page-port',
      page.split(':')[1]!,
      '--query-grpc-port',
      '0',
    ]
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()))
    onTestFinished(() => {
      child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    })
    const get = async <T>(path: string): Promise<T> => {
      const response = await fetch(`http://${page}/api/spoor/v1/${path}`)
      if (!response.ok) throw new Error(`${path}: ${response.status}\n${output}`)
      return (await response.json()) as T
    }
    const request = tracesRequest({ spans: 20, traces: 1, startUnixNano: BigInt(Date.now()) * 1_000_000n })
    const { traceId } = decodeTraces(request).resourceSpans[0]!.scopeSpans[0]!.spans[0]!
    await writeTopic(broker.address, 'otlp_spans', [request, request, request])
    await vi.waitFor(async () => {
      const metrics = await (await fetch(`http://${page}/metrics`)).text()
      expect(metrics).toMatch(/otelcol_kafka_receiver_current_offset\{[^}]*partition="0"[^}]*\} 3\n/)
    })
    expect((await get<Report>(`traces/${traceId}/report`)).trace.spans).toBe(20)
    const status = async () => {
      const { pipelines } = await get<Pipelines>('pipelines?own=true')
      return pipelines[0]?.components.find(({ id }) => id === 'kafka')?.status
    }
    expect(await status()).toMatchObject({ status: 'ok' })
    await broker.kill()
    await vi.waitFor(
      async () =>
        expect(await status()).toMatchObject({
          status: 'recoverable_error',
          message: expect.stringContaining(`Kafka at ${broker.address}`) as string,
        }),
      { timeout: 120_000, interval: 500 },
    )
    await broker.start()
    const later = tracesRequest({ spans: 5, traces: 1, seed: 2, startUnixNano: BigInt(Date.now()) * 1_000_000n })
    await writeTopic(broker.address, 'otlp_spans', [later])
    const { traceId: laterId } = decodeTraces(later).resourceSpans[0]!.scopeSpans[0]!.spans[0]!
    await vi.waitFor(async () => expect((await get<Report>(`traces/${laterId}/report`)).trace.spans).toBe(5), {
      timeout: 120_000,
      interval: 500,
    })
    await vi.waitFor(async () => expect(await status()).toMatchObject({ status: 'ok' }), {
      timeout: 60_000,
      interval: 500,
    })
  },
)
