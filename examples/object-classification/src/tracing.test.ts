import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startTracing } from '@spoor/instrument'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serve } from './service/serve.ts'
import { COLOUR_LABELS, writeColourModel } from '@spoor/example-models/testkit'
import { receiveSpans } from './testkit/receive-spans.ts'
import type { JsonSpan, SpanReceiver } from './testkit/receive-spans.ts'

const ERROR = 2
let directory = ''
let receiver: SpanReceiver
let dead = ''

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tracing-'))
  receiver = await receiveSpans()
  const closed = await serve(createServer(), { port: 0 })
  await closed.stop()
  dead = closed.url
  const tracing = startTracing({
    serviceName: 'all',
    exporter: { protocol: 'http/json', url: receiver.url },
    instrumentations: [],
    quiet: true,
  })
  // One request with a model that answers and one that does not, and one with none that answers.
  const [{ startEnsemble }, { startInference }] = await Promise.all([
    import('./ensemble/service.ts'),
    import('./inference/service.ts'),
  ])
  const model = await writeColourModel(join(directory, 'colours.onnx'))
  const inference = await startInference({ port: 0, name: 'colours', version: '1.2.3', model, labels: COLOUR_LABELS })
  for (const urls of [[inference.url, dead], [dead]]) {
    const ensemble = await startEnsemble({ port: 0, inference: urls, labels: COLOUR_LABELS })
    const query = `request_id=${urls.length}&width=8&height=8`
    await fetch(`${ensemble.url}/ensemble_service?${query}`, { method: 'POST', body: new Uint8Array(192) })
    await fetch(`${ensemble.url}/result/${urls.length}`)
    await ensemble.stop()
  }
  await inference.stop()
  await tracing.shutdown()
})
afterAll(async () => {
  await receiver.stop()
  await rm(directory, { recursive: true })
})

const named = (name: string): JsonSpan[] => receiver.spans.filter((span) => span.name === name)
const childrenOf = (span: JsonSpan | undefined): JsonSpan[] =>
  receiver.spans.filter(({ parentSpanId }) => parentSpanId === span?.spanId)
const eventsOf = (span: JsonSpan | undefined): string[] => (span?.events ?? []).map(({ name }) => name).sort()

describe('the spans of the services', () => {
  it('shows the work with a model that failed as work that went on', () => {
    const [work] = named('classify in the background')
    expect(work?.status?.code ?? 0).toBe(0)
    expect(eventsOf(work)).toEqual(['a model has answered', 'exception', 'goes on without a model'])
    expect(
      childrenOf(work)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['ask a model', 'ask a model', 'average the probabilities'])
  })

  it('shows the question that failed as an error with its exception', () => {
    const [work] = named('classify in the background')
    const asked = childrenOf(work).filter(({ name }) => name === 'ask a model')
    const failed = asked.filter(({ status }) => status?.code === ERROR)
    expect(failed).toHaveLength(1)
    expect(failed[0]?.status?.message).toContain(`${dead} does not answer`)
    expect(eventsOf(failed[0])).toEqual(['exception'])
  })

  it('links the average to the opinions that it is made of', () => {
    const [work] = named('classify in the background')
    const children = childrenOf(work)
    const answered = children.find(({ name, status }) => name === 'ask a model' && status?.code !== ERROR)
    const average = children.find(({ name }) => name === 'average the probabilities')
    expect(average?.links?.map(({ spanId }) => spanId)).toEqual([answered?.spanId])
  })

  it('shows work without any model as an error', () => {
    const [, work] = named('classify in the background')
    expect(work?.status).toMatchObject({ code: ERROR })
    expect(work?.status?.message).toContain('none of 1 inference services answered')
    expect(childrenOf(work).map(({ name }) => name)).toEqual(['ask a model'])
  })

  it('shows the wait, the fitting and the run of a model', () => {
    for (const name of ['wait for the model', 'fit to the model', 'run the model']) expect(named(name)).toHaveLength(1)
    expect(named('load the model')).toHaveLength(0)
    const said = Object.fromEntries((named('run the model')[0]?.attributes ?? []).map(({ key, value }) => [key, value]))
    expect(said).toMatchObject({
      'model.name': { stringValue: 'colours' },
      'model.version': { stringValue: '1.2.3' },
      'model.batch_size': { intValue: '1' },
      'model.input.shape': { arrayValue: { values: [1, 8, 8, 3].map((intValue) => ({ intValue: `${intValue}` })) } },
      'prediction.label': { stringValue: 'red' },
    })
  })
})
