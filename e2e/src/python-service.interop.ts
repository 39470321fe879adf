import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  eventually,
  freePorts,
  getJson,
  type Program,
  root,
  runProgram,
  type RunningSpoor,
  startSpoor,
} from './spoor.ts'

interface JaegerSpan {
  readonly spanID: string
  readonly operationName: string
  readonly processID: string
  readonly references: readonly { readonly spanID: string }[]
  readonly tags: readonly { readonly key: string; readonly value: unknown }[]
}
interface JaegerTrace {
  readonly traceID: string
  readonly spans: readonly JaegerSpan[]
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>
}

const dist = join(root, 'examples', 'object-classification', 'dist')
const cache = process.env['SPOOR_CACHE'] ?? join(root, '.cache')
const models = join(root, 'examples', 'object-classification', 'models', 'dist', 'index.js')
/** What `npm start` fetches and converts, where it has not been yet. */
interface Models {
  readonly prepareModels: (names: readonly string[], options: PrepareOptions) => Promise<{ readonly file: string }[]>
  readonly prepareLabels: (options: PrepareOptions) => Promise<string>
}
interface PrepareOptions {
  readonly cache: string
  readonly output: NodeJS.WritableStream
}
const programs: Program[] = []
let spoor: RunningSpoor

beforeAll(async () => {
  spoor = await startSpoor()
})
afterAll(async () => {
  for (const program of programs.reverse()) await program.stop()
  await spoor.remove()
})

/** Starts a service that reports to Spoor, and waits for it. @returns Its URL. */
async function start(name: string, port: number, args: readonly string[]): Promise<string> {
  const program = runProgram([...args, '--port', String(port)], {
    OTEL_SERVICE_NAME: name,
    OTEL_EXPORTER_OTLP_ENDPOINT: spoor.http,
    OTEL_BSP_SCHEDULE_DELAY: '200',
    SPOOR_EXCLUDE: '/health',
  })
  programs.push(program)
  const url = `http://127.0.0.1:${port}`
  await eventually(
    `${name} answers`,
    async () => {
      if (program.child.exitCode !== null) throw new Error(`${name} has ended\n${program.output()}`)
      return (await fetch(`${url}/health`).catch(() => undefined))?.ok || undefined
    },
    600_000,
    program.output,
  )
  return url
}

// The first time, packages and the model are fetched, and installed.
it(
  'the inference service in Python stands in the same trace, with the same spans and the same opinion',
  { timeout: 900_000 },
  async () => {
    const { prepareModels, prepareLabels } = (await import(pathToFileURL(models).href)) as Models
    const prepared = { cache, output: process.stderr }
    const [{ file: model } = { file: '' }] = await prepareModels(['mobilenet'], prepared)
    const labels = await prepareLabels(prepared)
    const [node = 0, python = 0, ensemble = 0] = await freePorts(3)
    const about = ['--model', model, '--name', 'mobilenet', '--labels', labels]
    const urls = [
      await start('inference-node', node, [join(dist, 'inference', 'main.js'), ...about]),
      await start('inference-python', python, [join(root, 'scripts', 'python.mjs'), ...about]),
    ]
    const traced = ['--import', '@spoor/instrument/register', join(dist, 'ensemble', 'main.js')]
    const front = await start('ensemble', ensemble, [...traced, '--labels', labels, '--inference', urls.join(',')])
    const side = 224
    const pixels = Uint8Array.from({ length: side * side * 3 }, (_, index) => (index * index) >> 7)
    const posted = await fetch(`${front}/ensemble_service?request_id=one&width=${side}&height=${side}`, {
      method: 'POST',
      body: pixels,
    })
    expect(posted.status).toBe(202)
    const { votes } = await getJson<{ votes: { model: string; label: string; probability: number }[] }>(
      `${front}/result/one`,
    )
    expect(votes).toHaveLength(2)
    expect(votes[1]?.label).toBe(votes[0]?.label)
    expect(votes[1]?.probability).toBeCloseTo(votes[0]?.probability ?? 0, 3)

    const trace = await eventually('the whole trace', async () => {
      const { data } = await getJson<{ data: JaegerTrace[] }>(
        `${spoor.page}/api/traces?service=inference-python&operation=run+the+model`,
      )
      const [found] = data
      return found && names(found, 'inference-node').length === 4 ? found : undefined
    })
    expect(names(trace, 'inference-python')).toEqual(names(trace, 'inference-node'))
    const keys = (service: string): unknown[] =>
      of(trace, service)
        .filter(({ operationName }) => operationName === 'run the model')
        .map(({ tags }) =>
          tags
            .map(({ key }) => key)
            .filter((key) => /^(model|prediction)\./.test(key))
            .sort(),
        )
    expect(keys('inference-python')).toEqual(keys('inference-node'))
    // Nothing is on its own: every span's parent is there, but for the first one's.
    const ids = new Set(trace.spans.map(({ spanID }) => spanID))
    expect(trace.spans.filter(({ references }) => references.some(({ spanID }) => !ids.has(spanID)))).toEqual([])
  },
)

function of({ spans, processes }: JaegerTrace, service: string): JaegerSpan[] {
  return spans.filter(({ processID }) => processes[processID]?.serviceName === service)
}

function names(trace: JaegerTrace, service: string): string[] {
  return of(trace, service)
    .map(({ operationName }) => operationName)
    .sort()
}
