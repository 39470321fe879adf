import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestOf, spanIdOf, startTestSpoor, traceIdOf, type TestSpoor } from '../testkit.ts'
import { API, type ApiRoute } from './catalogue.ts'

interface Document {
  readonly openapi: string
  readonly paths: Readonly<
    Record<
      string,
      {
        readonly [method in 'get' | 'put' | 'post' | 'delete']?: {
          readonly parameters: readonly { name: string; schema: { maximum?: number; enum?: string[] } }[]
        }
      }
    >
  >
}

let spoor: TestSpoor
let document: Document

beforeAll(async () => {
  spoor = await startTestSpoor({ keep: { pinned: true } })
  await spoor.post(requestOf('checkout', [{ traceId: traceIdOf(1), spanId: spanIdOf(1) }]))
  document = await spoor.json<Document>('/api/spoor/v1/openapi.json')
})

afterAll(() => spoor.remove())

const addressOf = (path: string) => `/api/spoor/v1${path.replace(':id', traceIdOf(1))}`

const all = Object.values(API).map((route: ApiRoute) => ({ method: 'get' as const, ...route }))
/** Those that are sent nothing, which can be asked without more. */
const routes = all.filter(({ body }) => body === undefined)

describe.each(routes)('$method $path', ({ path, method, example, ...route }) => {
  it('is in the document, and answers its example', async () => {
    const answer = await spoor.get(`${addressOf(path)}?${example}`, { method: method.toUpperCase() })
    expect([answer.status, answer.ok ? '' : await answer.text()]).toEqual([200, ''])
    // One of them has no end.
    await answer.body?.cancel()
    const { parameters } = document.paths[`/api/spoor/v1${path.replace(':id', '{id}')}`]![method]!
    const names = parameters.map(({ name }) => name)
    expect(names.filter((name) => name !== 'id' && name !== 'timeout')).toEqual(
      route.parameters.map(({ name }) => name),
    )
    expect(names.includes('timeout')).toBe(route.lane !== undefined && route.lane !== 'tails')
  })

  it('refuses what it does not take', async () => {
    const address = `${addressOf(path)}?${example}&nothing=1`
    const answer = await spoor.get(address, { method: method.toUpperCase() })
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { error: { code: 'bad_parameter', message: expect.stringContaining('has no parameter "nothing"') as string } },
    ])
  })
})

it('tells the name that is meant', async () => {
  const answer = await spoor.get('/api/spoor/v1/search?form=1h')
  expect(await answer.json()).toMatchObject({
    error: { message: '/search has no parameter "form"; did you mean "from"?' },
  })
})

it('says of each parameter what is taken', async () => {
  let tried = 0
  for (const { path, parameters, example } of Object.values(API))
    for (const { name, schema } of parameters) {
      const { maximum, enum: choices } = schema as { maximum?: number; enum?: readonly string[] }
      const outside = maximum === undefined ? choices && 'none of them' : String(maximum + 1)
      if (outside === undefined) continue
      const query = new URLSearchParams(example)
      query.set(name, outside)
      const answer = await spoor.get(`${addressOf(path)}?${query.toString()}`)
      expect([path, name, answer.status]).toEqual([path, name, 400])
      tried++
    }
  expect(tried).toBeGreaterThan(20)
})
