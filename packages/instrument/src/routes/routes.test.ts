import { afterAll, beforeAll, expect, test } from 'vitest'
import { attributesOf, type Receiver, startHttpReceiver } from '../testkit/receiver.ts'
import { runApp } from '../testkit/run-app.ts'

let receiver: Receiver

beforeAll(async () => {
  receiver = await startHttpReceiver()
})

afterAll(() => receiver.close())

test.each(['fastify', 'koa', 'hono', 'next', 'told'])(
  '%s names its requests by their route, and secrets stay out',
  async (framework) => {
    const run = await runApp('routes.mjs', {
      args: [framework],
      env: { OTEL_SERVICE_NAME: framework, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
    })
    expect(run).toMatchObject({ code: 0, stdout: '200\n' })
    const spans = receiver.spans.filter(
      (span) => span.resource['service.name'] === framework && span.scopeName !== 'next.js',
    )
    expect(spans.map(({ name }) => name)).toEqual(expect.arrayContaining(['GET', 'GET /users/:id']))
    expect(spans).toHaveLength(2)
    const [server] = spans.filter(({ name }) => name === 'GET /users/:id')
    expect(attributesOf(server!)).toMatchObject({ 'http.route': '/users/:id' })
    const texts = spans.flatMap((span) => Object.values(attributesOf(span)).map(String))
    expect(texts.filter((text) => text.includes('secret'))).toEqual([])
    expect(texts.filter((text) => text.includes('token=REDACTED'))).not.toEqual([])
  },
)

test('what hono has no route for has none in its name', async () => {
  const run = await runApp('routes.mjs', {
    args: ['hono', '/nowhere'],
    env: { OTEL_SERVICE_NAME: 'nowhere', OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
  })
  expect(run).toMatchObject({ code: 0, stdout: '404\n' })
  const spans = receiver.spans.filter((span) => span.resource['service.name'] === 'nowhere')
  expect(spans.map(({ name }) => name)).toEqual(['GET', 'GET'])
})
