import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { sendPhotograph } from './client/send.ts'
import { startEnsemble } from './ensemble/service.ts'
import { startInference } from './inference/service.ts'
import { startPreprocessing } from './preprocessing/service.ts'
import { setFaults } from './service/faults.ts'
import { serve } from './service/serve.ts'
import type { Running } from './service/serve.ts'
import { COLOUR_LABELS, writeColourModel } from '@spoor/example-models/testkit'

let directory = ''
let model = ''
const running: Running[] = []
async function using(start: Promise<Running>): Promise<Running> {
  const service = await start
  running.push(service)
  return service
}
const inference = (): Promise<Running> => using(startInference({ port: 0, name: 'one', model, labels: COLOUR_LABELS }))
async function ask(url: string): Promise<Response> {
  return fetch(`${url}/inference?request_id=x&width=8&height=8`, { method: 'POST', body: new Uint8Array(192) })
}
async function health(url: string): Promise<{ queue: number; loaded: boolean }> {
  return (await (await fetch(`${url}/health`)).json()) as { queue: number; loaded: boolean }
}
async function until(what: () => Promise<boolean>): Promise<void> {
  while (!(await what())) await sleep(10)
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faults-'))
  model = await writeColourModel(join(directory, 'colours.onnx'))
})
afterEach(async () => {
  setFaults({})
  for (const service of running.splice(0).reverse()) await service.stop()
})
afterAll(() => rm(directory, { recursive: true }))

describe('faults inside a service', () => {
  it('slow_model: a run takes longer, until it is switched off', async () => {
    const { url } = await inference()
    setFaults({ slow_model: { ms: 300 } })
    const started = performance.now()
    expect((await ask(url)).status).toBe(200)
    expect(performance.now() - started).toBeGreaterThanOrEqual(299)
  })

  it('errors: a share of requests is answered with 500, and none of the health checks', async () => {
    const { url } = await inference()
    setFaults({ errors: { percent: 100 } })
    expect((await ask(url)).status).toBe(500)
    expect((await fetch(`${url}/health`)).status).toBe(200)
    setFaults({ errors: { percent: 50 } })
    const statuses = new Set<number>()
    for (let index = 0; index < 200 && statuses.size < 2; index++) statuses.add((await ask(url)).status)
    expect(statuses).toEqual(new Set([200, 500]))
    setFaults({})
    expect((await ask(url)).status).toBe(200)
  })

  it('lost_context: who calls is read by nobody, be it as early as instrumentation does', async () => {
    const { url } = await inference()
    const seen: unknown[] = []
    const look = (message: unknown): void => {
      const { request } = message as { readonly request: IncomingMessage }
      seen.push(request.headers['traceparent'], request.headers['x-other'])
    }
    subscribe('http.server.request.start', look)
    const headers = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, 'x-other': 'kept' }
    await fetch(`${url}/health`, { headers })
    setFaults({ lost_context: {} })
    await fetch(`${url}/health`, { headers })
    unsubscribe('http.server.request.start', look)
    expect(seen).toEqual([headers.traceparent, 'kept', undefined, 'kept'])
  })

  it('retry_storm: a model is asked again before it has answered, and the last question is waited for', async () => {
    let questions = 0
    const slow = await using(
      serve(
        createServer((request, response) => {
          questions++
          const probabilities = COLOUR_LABELS.map((_, index) => (index === 2 ? 1 : 0))
          const answer = (): void => void response.end(JSON.stringify({ model: 'slow', probabilities }))
          request.resume().on('end', () => setTimeout(answer, 600))
        }),
        { port: 0 },
      ),
    )
    setFaults({ retry_storm: { timeout_ms: 150, retries: 3 } })
    const ensemble = await using(startEnsemble({ port: 0, inference: [slow.url], labels: COLOUR_LABELS }))
    await fetch(`${ensemble.url}/ensemble_service?request_id=a&width=1&height=1`, { method: 'POST', body: 'rgb' })
    expect((await fetch(`${ensemble.url}/result/a`)).status).toBe(200)
    // A question may be given up before it has left.
    expect(questions).toBeGreaterThanOrEqual(2)
    expect(questions).toBeLessThanOrEqual(4)
  })

  it('saturated_queue: others are always ahead in the line', async () => {
    const { url } = await inference()
    setFaults({ saturated_queue: { images: 3, ms: 40 } })
    const started = performance.now()
    expect((await ask(url)).status).toBe(200)
    // Behind three, of which the first may be about to end.
    expect(performance.now() - started).toBeGreaterThanOrEqual(2 * 40 - 5)
    expect((await health(url)).queue).toBe(3)
    setFaults({})
    await until(async () => (await health(url)).queue === 0)
  })

  it('cold_start: the model is let go, and loaded for who asks next', async () => {
    const { url } = await inference()
    expect((await health(url)).loaded).toBe(true)
    setFaults({ cold_start: { idle_ms: 20 } })
    await until(async () => !(await health(url)).loaded)
    expect((await ask(url)).status).toBe(200)
    await until(async () => !(await health(url)).loaded)
    setFaults({})
    expect((await ask(url)).status).toBe(200)
    expect((await health(url)).loaded).toBe(true)
  })

  it('bad_images: what the client sends is refused as no image', async () => {
    const front = await using(startPreprocessing({ port: 0, ensemble: 'http://127.0.0.1:1' }))
    const file = join(directory, 'dog.jpg')
    await writeFile(file, Buffer.from([0xff, 0xd8, 0xff, 0xe0, ...Buffer.alloc(100)]))
    setFaults({ bad_images: { percent: 100 } })
    expect((await sendPhotograph(file, front.url)).error).toMatch(
      /HTTP 400: the (file is not an image|jpeg image is corrupt)/,
    )
  })
})
