import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { ServerResponse } from 'node:http'
import { expect, it } from 'vitest'
import { serve } from './serve.ts'

const agent = new Agent({ keepAlive: true, maxSockets: 1 })
/** One request on the connection that is kept. @returns The answer, or the code of what went wrong. */
function ask(url: string): Promise<string> {
  return new Promise((resolve) => {
    request(url, { agent }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (data: string) => (text += data)).on('end', () => resolve(text))
    })
      .on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      .end()
  })
}

it.each([
  ['before its answer has begun', (response: ServerResponse) => void response],
  ['after its answer has begun', (response: ServerResponse) => void response.write('he')],
])('comes to its end though a connection is never idle: asked to %s', async (_, begin) => {
  const answered: string[] = []
  let answer: (() => void) | undefined
  const server = createServer((_request, response) => {
    begin(response)
    answer = () => response.end(response.headersSent ? 're' : 'here')
    server.emit('asked')
  })
  const running = await serve(server, { port: 0 })
  const over = new AbortController()
  const asking = (async () => {
    while (!over.signal.aborted) answered.push(await ask(running.url))
  })()
  // From now on there is a request under way whenever somebody looks.
  for (let count = 0; count < 3; count++) {
    await once(server, 'asked')
    if (count < 2) answer?.()
  }
  const stopped = running.stop()
  server.on('asked', () => answer?.())
  answer?.()
  await stopped
  over.abort()
  await asking
  // What was under way was answered, and nobody was taken after it.
  expect(answered.slice(0, 3)).toEqual(['here', 'here', 'here'])
  expect(answered.slice(3).every((text) => text === 'ECONNREFUSED' || text === 'ECONNRESET')).toBe(true)
})
