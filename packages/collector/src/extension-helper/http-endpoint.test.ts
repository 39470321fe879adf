import { Readable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { createHttpEndpoint, type Answering } from './http-endpoint.ts'

async function start(answer: Answering): Promise<(method?: string) => Promise<Response>> {
  const endpoint = createHttpEndpoint('localhost:0', answer)
  await endpoint.start()
  onTestFinished(() => endpoint.stop())
  return (method = 'GET') => fetch(`http://${endpoint.address}/`, { method })
}

test.each([
  ['at once', () => refuse()],
  ['later', async () => refuse()],
])('an answer that fails %s is an answer, and others are given after it', async (_when, answer) => {
  const ask = await start(answer)
  for (let index = 0; index < 2; index++) {
    const response = await ask()
    expect([response.status, await response.text()]).toEqual([500, '500 no figures\n'])
  }
})

function refuse(): never {
  throw new Error('no figures')
}

test('a stream is read for GET, cut where it fails, and let go unread for HEAD', async () => {
  const streams: Readable[] = []
  let failing = false
  const ask = await start(() => {
    const body = failing ? failingAfter('a') : Readable.from(['a', 'b'])
    streams.push(body)
    return { status: 200, contentType: 'text/plain', body }
  })
  expect(await (await ask()).text()).toBe('ab')
  failing = true
  const cut = await ask()
  await expect(cut.text()).rejects.toThrow()
  failing = false
  const { status } = await ask('HEAD')
  expect([status, streams.map(({ destroyed }) => destroyed)]).toEqual([200, [true, true, true]])
})

function failingAfter(text: string): Readable {
  const stream = new Readable({ read() {} })
  stream.push(text)
  setImmediate(() => stream.destroy(new Error('no more')))
  return stream
}
