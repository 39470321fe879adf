import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { serve } from '../service/serve.ts'
import type { Running } from '../service/serve.ts'
import { sendAll } from './load.ts'
import type { LoadOptions, LoadState } from './load.ts'
import { cycle } from './pace.ts'
import type { Classification } from './send.ts'

let directory = ''
let file = ''
let service: Running | undefined
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'load-'))
  file = join(directory, 'dog.jpg')
  await writeFile(file, 'a photograph')
})
afterEach(async () => {
  await service?.stop()
  service = undefined
})
afterAll(() => rm(directory, { recursive: true }))

const newState = (): LoadState => ({ sent: 0, underWay: 0, late: 0, mostLateMs: 0 })

/** A service that hands each request to `onRequest`, and says with what path they came. */
async function using(onRequest: (response: ServerResponse) => void): Promise<{ url: string; paths: Set<string> }> {
  const paths = new Set<string>()
  service = await serve(
    createServer((request, response) => {
      paths.add(request.url ?? '')
      request.resume().on('end', () => onRequest(response))
    }),
    { port: 0 },
  )
  return { url: service.url, paths }
}
const refuse = (response: ServerResponse): void => {
  response.writeHead(503).end('{"error":{"code":"busy","message":"later"}}')
}
function load(url: string, more: Partial<LoadOptions>, answers: Classification[] = []): LoadOptions {
  const files = cycle([file])
  const { signal } = new AbortController()
  const onAnswer = (answer: Classification): void => void answers.push(answer)
  return {
    url,
    files,
    count: 1,
    rate: 1000,
    rampSeconds: 0,
    concurrency: 64,
    attributes: {},
    onAnswer,
    signal,
    ...more,
  }
}

describe('sendAll', () => {
  it('sends as many as it is told to the route of preprocessing, whichever way that is written', async () => {
    const { url, paths } = await using(refuse)
    const answers: Classification[] = []
    const state = newState()
    await sendAll(load(url, { count: 3 }, answers), state)
    await sendAll(load(`${url}/preprocessing`, { count: 2 }, answers), state)
    expect([...paths]).toEqual(['/preprocessing'])
    expect(answers.map(({ error }) => error)).toEqual(Array(5).fill('HTTP 503: later'))
    expect(state).toMatchObject({ sent: 5, underWay: 0, late: 0 })
  })

  it('has no more under way than it may, and says what had to wait', async () => {
    const held: ServerResponse[] = []
    let most = 0
    const { promise: full, resolve: onFull } = Promise.withResolvers<void>()
    const { url } = await using((response) => {
      held.push(response)
      most = Math.max(most, held.length)
      if (held.length === 3) onFull()
    })
    const state = newState()
    const sending = sendAll(load(url, { count: 9, concurrency: 3 }), state)
    await full
    expect(state).toMatchObject({ sent: 3, underWay: 3 })
    const release = setInterval(() => {
      const [response] = held.splice(0, 1)
      if (response) refuse(response)
    }, 20)
    await sending
    clearInterval(release)
    expect(most).toBe(3)
    expect(state.sent).toBe(9)
    expect(state.mostLateMs).toBeGreaterThan(0)
  })

  it('sends nothing more when it is stopped, and waits for what is under way', async () => {
    const { promise: arrived, resolve: onArrival } = Promise.withResolvers<ServerResponse>()
    const { url } = await using(onArrival)
    const stop = new AbortController()
    const answers: Classification[] = []
    const sending = sendAll(load(url, { count: Infinity, rate: 0.01, signal: stop.signal }, answers), newState())
    const response = await arrived
    stop.abort()
    refuse(response)
    await sending
    expect(answers).toHaveLength(1)
  })
})
