import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { sendPhotograph } from './client/send.ts'
import { startEnsemble } from './ensemble/service.ts'
import { startInference } from './inference/service.ts'
import { startPreprocessing } from './preprocessing/service.ts'
import { MAX_UPLOAD_BYTES } from './preprocessing/upload.ts'
import type { EnsembleResult, ErrorAnswer } from './service/prediction.ts'
import { serve } from './service/serve.ts'
import type { Running } from './service/serve.ts'
import { COLOUR_LABELS, writeColourModel } from '@spoor/example-models/testkit'

let directory = ''
let model = ''
const running: Running[] = []

/** Stops the service after the test. */
async function using(start: Promise<Running>): Promise<Running> {
  const service = await start
  running.push(service)
  return service
}

const inference = (name: string): Promise<Running> =>
  using(startInference({ port: 0, name, model, labels: COLOUR_LABELS }))
const ensemble = (
  urls: readonly string[],
  more: { pendingLimit?: number; resultLimit?: number } = {},
): Promise<Running> => using(startEnsemble({ port: 0, inference: urls, labels: COLOUR_LABELS, ...more }))
const preprocessing = (url: string): Promise<Running> => using(startPreprocessing({ port: 0, ensemble: url, side: 16 }))
const colour = (background: string): Promise<Buffer> =>
  sharp({ create: { width: 40, height: 30, channels: 3, background } })
    .jpeg()
    .toBuffer()

/** An address at which nobody listens. */
async function deadUrl(): Promise<string> {
  const service = await serve(createServer(), { port: 0 })
  await service.stop()
  return service.url
}

async function errorOf(response: Response): Promise<ErrorAnswer['error'] & { status: number }> {
  return { status: response.status, ...((await response.json()) as ErrorAnswer).error }
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'object-classification-'))
  model = await writeColourModel(join(directory, 'colours.onnx'))
})
afterEach(async () => {
  for (const service of running.splice(0).reverse()) await service.stop()
})
afterAll(() => rm(directory, { recursive: true }))

describe('the chain of services', () => {
  it('classifies a photograph from the client to the models and back', async () => {
    const models = [await inference('one'), await inference('two')]
    const front = await preprocessing((await ensemble(models.map(({ url }) => url))).url)
    const file = join(directory, 'lime.jpg')
    await writeFile(file, await colour('lime'))
    const { result, error, file: name } = await sendPhotograph(file, front.url)
    expect(error).toBeUndefined()
    expect(name).toBe('lime.jpg')
    expect(result).toMatchObject({ label: 'green', index: 1, failed: [] })
    expect(result?.votes.map(({ model: voter, label }) => [voter, label])).toEqual([
      ['one', 'green'],
      ['two', 'green'],
    ])
    expect(result?.probability).toBeGreaterThan(0.99)
    expect(result?.top).toHaveLength(5)
  })

  it('goes on with the other models when one does not answer, and says which', async () => {
    const dead = await deadUrl()
    const service = await ensemble([dead, (await inference('alive')).url])
    const front = await preprocessing(service.url)
    const file = join(directory, 'blue.jpg')
    await writeFile(file, await colour('blue'))
    const { result } = await sendPhotograph(file, front.url)
    expect(result).toMatchObject({ label: 'blue', votes: [{ model: 'alive' }], failed: [{ service: dead }] })
    expect(result?.failed[0]?.reason).toContain(`${dead} does not answer`)
  })

  it('hands a failure of all models to who asks for the result', async () => {
    const front = await preprocessing((await ensemble([await deadUrl(), await deadUrl()])).url)
    const file = join(directory, 'red.jpg')
    await writeFile(file, await colour('red'))
    const { result, error } = await sendPhotograph(file, front.url)
    expect(result).toBeUndefined()
    expect(error).toContain('HTTP 502: none of 2 inference services answered')
  })

  it('says so when the ensemble or the preprocessing service is not there', async () => {
    const dead = await deadUrl()
    const front = await preprocessing(dead)
    const file = join(directory, 'red.jpg')
    await writeFile(file, await colour('red'))
    expect((await sendPhotograph(file, front.url)).error).toContain(`the ensemble at ${dead} does not answer`)
    expect((await sendPhotograph(file, dead)).error).toContain('ECONNREFUSED')
    expect((await sendPhotograph(join(directory, 'none.jpg'), front.url)).error).toContain('ENOENT')
  })
})

describe('preprocessing', () => {
  async function post(body: FormData | string, headers: Record<string, string> = {}): Promise<Response> {
    const front = await preprocessing(await deadUrl())
    return fetch(`${front.url}/preprocessing`, { method: 'POST', body, headers })
  }
  const form = (field: string, bytes: Uint8Array): FormData => {
    const data = new FormData()
    data.append(field, new Blob([Uint8Array.from(bytes)]), 'photograph.jpg')
    return data
  }

  it.each([
    ['no form', () => post('{}', { 'content-type': 'application/json' }), 'no_file', 'application/json'],
    ['no body', () => post('', {}), 'no_file', 'send multipart/form-data'],
    ['another field', () => post(form('photo', Buffer.from('x'))), 'no_file', 'field "file"'],
    ['an empty file', () => post(form('file', Buffer.alloc(0))), 'no_file', 'empty'],
    [
      'a form that ends too early',
      () =>
        post('--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc', {
          'content-type': 'multipart/form-data; boundary=b',
        }),
      'no_file',
      'ends too early',
    ],
    ['text', () => post(form('file', Buffer.from('no image'))), 'not_an_image', 'not an image'],
    ['a large file', () => post(form('file', Buffer.alloc(MAX_UPLOAD_BYTES + 1))), 'too_large', '20 MiB'],
    [
      'a damaged image',
      async () => post(form('file', (await colour('red')).subarray(0, 200))),
      'corrupt',
      'jpeg image is corrupt',
    ],
  ])('refuses %s with the reason', async (_, send, code, reason) => {
    const error = await errorOf(await send())
    expect(error, error.message).toMatchObject({ status: 400, code })
    expect(error.message).toContain(reason)
  })

  it('hands out results where clients find them, which may be another way than its own', async () => {
    const service = await ensemble([(await inference('one')).url])
    const options = { port: 0, ensemble: service.url, results: 'http://results.example:80', side: 16 }
    const front = await using(startPreprocessing(options))
    const answer = await fetch(`${front.url}/preprocessing`, {
      method: 'POST',
      body: form('file', await colour('red')),
    })
    const { requestId, result } = (await answer.json()) as { requestId: string; result: string }
    expect(result).toBe(`http://results.example:80/result/${requestId}`)
    expect((await fetch(`${service.url}/result/${requestId}`)).status).toBe(200)
  })

  it('answers the next request after a refusal', async () => {
    const front = await preprocessing(await deadUrl())
    await fetch(`${front.url}/preprocessing`, {
      method: 'POST',
      body: form('file', Buffer.alloc(MAX_UPLOAD_BYTES + 1)),
    })
    expect((await fetch(`${front.url}/health`)).status).toBe(200)
  })
})

describe('ensemble', () => {
  const send = (url: string, requestId: string, query = 'width=2&height=2', bytes = 12): Promise<Response> =>
    fetch(`${url}/ensemble_service?request_id=${requestId}&${query}`, { method: 'POST', body: new Uint8Array(bytes) })

  it('answers before the work is done, and holds a request for the result open until it is', async () => {
    const { promise: release, resolve } = Promise.withResolvers<void>()
    const slow = await using(
      serve(
        createServer((request, response) => {
          request.resume()
          void release.then(() => {
            const probabilities = COLOUR_LABELS.map((_, index) => (index === 2 ? 1 : 0))
            response.end(JSON.stringify({ model: 'slow', probabilities }))
          })
        }),
        { port: 0 },
      ),
    )
    const service = await ensemble([slow.url])
    const accepted = await send(service.url, 'one')
    expect(accepted.status).toBe(202)
    expect(await accepted.json()).toEqual({ requestId: 'one', result: '/result/one' })
    const pending = await fetch(`${service.url}/result/one?wait_ms=1`)
    expect([pending.status, await pending.json()]).toEqual([202, { requestId: 'one', state: 'pending' }])
    const waiting = fetch(`${service.url}/result/one`)
    resolve()
    const done = await waiting
    expect(done.status).toBe(200)
    expect((await done.json()) as EnsembleResult).toMatchObject({ requestId: 'one', label: 'blue', probability: 1 })
  })

  it('averages what the models say', async () => {
    const says = (red: number): Promise<Running> =>
      using(
        serve(
          createServer((request, response) => {
            request.resume()
            const probabilities = COLOUR_LABELS.map((_, index) => [red, 1 - red][index] ?? 0)
            response.end(JSON.stringify({ model: `red ${red}`, probabilities }))
          }),
          { port: 0 },
        ),
      )
    const service = await ensemble([(await says(0.9)).url, (await says(0.3)).url])
    await send(service.url, 'mean')
    const result = (await (await fetch(`${service.url}/result/mean`)).json()) as EnsembleResult
    expect(result).toMatchObject({ label: 'red', failed: [] })
    expect(result.probability).toBeCloseTo(0.6, 10)
    expect(result.votes.map(({ label }) => label)).toEqual(['red', 'green'])
  })

  it('refuses a request that does not say what its body is', async () => {
    const service = await ensemble([await deadUrl()])
    const error = async (...args: [string, string?, number?]): Promise<string> => {
      const refused = await errorOf(await send(service.url, ...args))
      expect(refused).toMatchObject({ status: 400, code: 'bad_image' })
      return refused.message
    }
    expect(await error('')).toContain('request_id')
    expect(await error('x', 'height=2')).toContain('a width of 1 to 4096 pixels, got none')
    expect(await error('x', 'width=2&height=-2')).toContain('got -2')
    expect(await error('x', 'width=2&height=2', 11)).toContain('are 12 bytes, the body has 11')
  })

  it('knows no result that it was not asked for, and forgets the oldest', async () => {
    const service = await ensemble([(await inference('only')).url], { resultLimit: 2 })
    for (const id of ['a', 'b', 'c']) {
      await send(service.url, id)
      await fetch(`${service.url}/result/${id}`)
    }
    expect((await errorOf(await fetch(`${service.url}/result/zzz`))).status).toBe(404)
    expect((await errorOf(await fetch(`${service.url}/result/a`))).code).toBe('not_found')
    expect((await fetch(`${service.url}/result/b`)).status).toBe(200)
  })

  it('turns requests away while too many are being worked on', async () => {
    const { promise: release, resolve } = Promise.withResolvers<void>()
    const stuck = await using(
      serve(
        createServer((request, response) => {
          request.resume()
          void release.then(() => response.writeHead(500).end())
        }),
        { port: 0 },
      ),
    )
    const service = await ensemble([stuck.url], { pendingLimit: 1 })
    expect((await send(service.url, 'first')).status).toBe(202)
    const refused = await send(service.url, 'second')
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(await errorOf(refused)).toMatchObject({ status: 503, code: 'busy' })
    resolve()
    expect((await fetch(`${service.url}/result/first`)).status).toBe(502)
    expect((await send(service.url, 'third')).status).toBe(202)
  })
})

describe('inference', () => {
  const send = (url: string, side: number, colourOf: (channel: number) => number): Promise<Response> =>
    fetch(`${url}/inference?request_id=x&width=${side}&height=${side}`, {
      method: 'POST',
      body: Uint8Array.from({ length: side * side * 3 }, (_, index) => colourOf(index % 3)),
    })

  it('fits an image of any size to its model', async () => {
    const { url } = await inference('colours')
    for (const side of [4, 8, 50]) {
      const answer = (await (await send(url, side, (channel) => (channel === 2 ? 200 : 0))).json()) as {
        model: string
        probabilities: number[]
      }
      expect(answer.model).toBe('colours')
      expect(answer.probabilities).toHaveLength(1000)
      expect(answer.probabilities.indexOf(Math.max(...answer.probabilities))).toBe(2)
    }
  })

  it('answers 503 when its line is full, and goes on', async () => {
    const { url } = await using(startInference({ port: 0, name: 'busy', model, labels: COLOUR_LABELS, queueLimit: 1 }))
    // On a busy machine twenty requests may come so far apart that each finds the line empty: then twenty more are sent.
    const answers: Response[] = []
    for (let round = 0; round < 50 && !answers.some(({ status }) => status === 503); round++) {
      answers.push(...(await Promise.all(Array.from({ length: 20 }, () => send(url, 256, () => 1)))))
    }
    const statuses = answers.map(({ status }) => status)
    expect(statuses).toContain(200)
    expect(statuses).toContain(503)
    expect(answers.find(({ status }) => status === 503)?.headers.get('retry-after')).toBe('1')
    expect((await send(url, 8, () => 1)).status).toBe(200)
  })

  it('does not start with a file that is no model, or not one of this kind', async () => {
    const text = join(directory, 'text.onnx')
    await writeFile(text, 'no model')
    const start = (file: string): Promise<Running> =>
      startInference({ port: 0, name: 'x', model: file, labels: COLOUR_LABELS })
    await expect(start(text)).rejects.toThrow(/text\.onnx/)
    await expect(start(join(directory, 'none.onnx'))).rejects.toThrow(/none\.onnx/)
  })
})
