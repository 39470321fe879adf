import { request } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FaultBoard } from '../faults/board.ts'
import { runningWorld } from './ask.ts'
import { startControl } from './server.ts'

let server: Server
let url = ''
const told: unknown[] = []
beforeAll(async () => {
  const nothing = (): Promise<void> => Promise.resolve()
  const board = new FaultBoard({
    services: ['client', 'preprocessing', 'ensemble', 'inference-a'],
    links: [],
    tell: (service, faults) => void told.push([service, faults]),
    stop: () => Promise.reject(new Error('it does not stop')),
    start: nothing,
    cut: () => undefined,
    delay: () => undefined,
  })
  const about = {
    page: 'http://127.0.0.1:16686',
    upload: 'u',
    otlp: 'o',
    photographs: 'p',
    services: [],
    processes: [],
    links: [],
  }
  server = await startControl({ board, describe: () => about }, 0)
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
})

/** The status of a request with these headers. */
function statusOf(headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(`${url}/faults`, { method: 'DELETE', headers }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
}

describe('the control of a world', () => {
  it('switches faults on and off, and tells which are on and where they can be', async () => {
    const world = runningWorld(url)
    expect(await world.switchOn('errors', 'ensemble', { percent: 20 })).toEqual({
      fault: 'errors',
      at: 'ensemble',
      parameters: { percent: 20 },
    })
    const { on, faults } = await world.describe()
    expect(on).toEqual([{ fault: 'errors', at: 'ensemble', parameters: { percent: 20 } }])
    expect(faults.find(({ name }) => name === 'slow_model')?.at).toEqual(['inference-a'])
    await world.switchOff('errors', 'ensemble')
    await world.switchOn('slow_model', 'inference-a')
    await world.clear()
    expect((await world.describe()).on).toEqual([])
    expect(told).toEqual([
      ['ensemble', { errors: { percent: 20 } }],
      ['ensemble', {}],
      ['inference-a', { slow_model: { ms: 600 } }],
      ['inference-a', {}],
    ])
  })

  it('says what cannot be, and stays as it was', async () => {
    const world = runningWorld(url)
    await expect(world.switchOn('errors', 'client')).rejects.toThrow('errors cannot be at "client"')
    await expect(world.switchOn('service_down', 'inference-a')).rejects.toThrow('it does not stop')
    expect((await world.describe()).on).toEqual([])
    const broken = await fetch(`${url}/faults/errors/ensemble`, { method: 'PUT', body: '{' })
    expect([broken.status, await broken.json()]).toEqual([400, { error: 'the body is no JSON object' }])
    expect((await fetch(`${url}/faults/errors`, { method: 'PUT' })).status).toBe(404)
  })

  it('has a page', async () => {
    const page = await fetch(url)
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(await page.text()).toContain('<title>The world</title>')
  })

  it('answers its own machine and its own page only', async () => {
    expect(await statusOf({})).toBe(200)
    expect(await statusOf({ origin: url })).toBe(200)
    expect(await statusOf({ origin: 'http://evil.example' })).toBe(403)
    expect(await statusOf({ host: 'evil.example' })).toBe(403)
  })

  it('says where no world runs', async () => {
    await expect(runningWorld('http://127.0.0.1:1').describe()).rejects.toThrow(
      'no world runs at http://127.0.0.1:1; start one in another terminal: npm start',
    )
  })
})
