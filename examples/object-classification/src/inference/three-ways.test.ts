import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { COLOUR_LABELS, writeColourModel } from '@spoor/example-models/testkit'
import { receiveSpans } from '../testkit/receive-spans.ts'
import type { JsonSpan } from '../testkit/receive-spans.ts'
import { freePort } from '../testkit/free-port.ts'
import { FAULTS_VARIABLE } from '../service/faults.ts'
import { startChild, waitUntilHealthy } from '../world/child.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'three-ways-'))
  await writeColourModel(join(directory, 'colours.onnx'))
  await writeFile(join(directory, 'labels.json'), JSON.stringify(COLOUR_LABELS))
})
afterAll(() => rm(directory, { recursive: true }))

const TRACE = 'a'.repeat(32)
const CALLER = 'b'.repeat(16)
/** The model takes so much longer, ms: stages that lie in each other are told from stages that follow each other. */
const SLOW_MS = 60
/** Begins are rounded to a millisecond. */
const ROUNDED_MS = 1

/** The spans of one request to a service that is started so. */
async function spansOf(script: string, before: readonly string[] = []): Promise<readonly JsonSpan[]> {
  const receiver = await receiveSpans()
  const port = await freePort()
  const flags = [
    '--port',
    String(port),
    '--model',
    join(directory, 'colours.onnx'),
    '--labels',
    join(directory, 'labels.json'),
  ]
  const child = await startChild({
    name: script,
    args: [...before, fileURLToPath(new URL(`./${script}.ts`, import.meta.url)), ...flags],
    env: {
      OTEL_SERVICE_NAME: 'inference-colours',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      SPOOR_EXCLUDE: '/health',
      [FAULTS_VARIABLE]: JSON.stringify({ slow_model: { ms: SLOW_MS } }),
    },
    log: join(directory, `${script}.log`),
    health: `http://127.0.0.1:${port}/health`,
  })
  await waitUntilHealthy(child, 60_000, new AbortController().signal)
  const answer = await fetch(`http://127.0.0.1:${port}/inference?request_id=x&width=8&height=8`, {
    method: 'POST',
    headers: { traceparent: `00-${TRACE}-${CALLER}-01` },
    body: new Uint8Array(192),
  })
  await answer.text()
  // The end of the process sends what it has.
  await child.stop()
  await receiver.stop()
  return receiver.spans
}

/** What a span says, with its parent's name for its id. */
function shape(spans: readonly JsonSpan[]): object[] {
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]))
  return spans
    .map(({ traceId, name, parentSpanId = '', kind, status, attributes = [] }) => ({
      traceId,
      name,
      kind,
      parent: names.get(parentSpanId) ?? parentSpanId,
      status: status?.code ?? 0,
      attributes: attributes.map(({ key }) => key).sort(),
    }))
    .sort((a, b) => a.name.localeCompare(b.name))
}

/** Begin and length of the spans of that name, ms. */
function timeOf(spans: readonly JsonSpan[], name: string): { readonly start: number; readonly ms: number } {
  const span = spans.find((one) => one.name === name)
  const at = (nanoseconds = ''): number => Number(BigInt(nanoseconds) / 1000n) / 1000
  const start = at(span?.startTimeUnixNano)
  return { start, ms: at(span?.endTimeUnixNano) - start }
}

/** Queue, preprocessing and model follow each other within the request: what they take adds up. */
function expectStages(spans: readonly JsonSpan[]): void {
  const request = timeOf(spans, 'POST /inference')
  const stages = ['wait for the model', 'fit to the model', 'run the model'].map((name) => timeOf(spans, name))
  let before = request.start
  for (const { start, ms } of stages) {
    expect(start).toBeGreaterThanOrEqual(before - ROUNDED_MS)
    before = start + ms
  }
  expect(before).toBeLessThanOrEqual(request.start + request.ms + ROUNDED_MS)
  const sum = stages.reduce((all, { ms }) => all + ms, 0)
  expect(sum).toBeGreaterThanOrEqual(SLOW_MS - ROUNDED_MS)
  expect(sum).toBeLessThanOrEqual(request.ms + stages.length * ROUNDED_MS)
}

describe('three ways of instrumentation', () => {
  it('give the same trace, whose stages add up: in code, without code, and by hand', async () => {
    const ways = [
      await spansOf('main'),
      await spansOf('plain', ['--import', import.meta.resolve('@spoor/instrument/register')]),
      await spansOf('manual'),
    ]
    const [inCode, ...others] = ways.map(shape)
    expect(inCode?.map((span) => ('name' in span ? span.name : ''))).toEqual([
      'fit to the model',
      'POST /inference',
      'run the model',
      'wait for the model',
    ])
    expect(inCode).toContainEqual(expect.objectContaining({ name: 'POST /inference', traceId: TRACE, parent: CALLER }))
    for (const other of others) expect(other).toEqual(inCode)
    for (const spans of ways) expectStages(spans)
  })
})
