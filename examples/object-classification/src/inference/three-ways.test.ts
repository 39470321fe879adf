import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { COLOUR_LABELS, writeColourModel } from '#models/testkit'
import { receiveSpans } from '../testkit/receive-spans.ts'
import type { JsonSpan } from '../testkit/receive-spans.ts'
import { freePort } from '../testkit/free-port.ts'
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

describe('three ways of instrumentation', () => {
  it('give the same trace: in code, without code, and by hand', async () => {
    const inCode = shape(await spansOf('main'))
    expect(inCode.map((span) => ('name' in span ? span.name : ''))).toEqual([
      'fit to the model',
      'POST /inference',
      'run the model',
      'wait for the model',
    ])
    expect(inCode).toContainEqual(expect.objectContaining({ name: 'POST /inference', traceId: TRACE, parent: CALLER }))
    expect(shape(await spansOf('plain', ['--import', import.meta.resolve('@spoor/instrument/register')]))).toEqual(
      inCode,
    )
    expect(shape(await spansOf('manual'))).toEqual(inCode)
  })
})
