import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, expect, it } from 'vitest'
import { runCli } from './cli.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

async function answering(answers: Readonly<Record<string, readonly [number, string]>>): Promise<string> {
  const server = createServer(({ url = '' }, response) => {
    const [status, body] = answers[url] ?? [404, '']
    response.writeHead(status).end(body)
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function health(...args: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const code = await runCli(['node', 'spoor', 'health', ...args], { stdout, stderr })
  stdout.end()
  stderr.end()
  return { code, said: (await text(stdout)) + (await text(stderr)) }
}

it('is told by the exit code, with the reasons', async () => {
  const well = await answering({ '/ready': [200, '{"status":"ok","reasons":[]}'] })
  expect(await health(well)).toEqual({ code: 0, said: 'ready\n' })
  const ill = await answering({ '/ready': [503, '{"status":"unavailable","reasons":["the disk is full","it stops"]}'] })
  expect(await health(ill)).toEqual({ code: 1, said: 'not ready: the disk is full; it stops\n' })
})

it('asks another path as it is, so that a health_check of a collector can be named', async () => {
  const collector = await answering({ '/': [200, '{"status":"Server available"}'] })
  expect(await health(`${collector}/`)).toEqual({ code: 0, said: 'ready\n' })
  expect((await health(collector)).said).toBe(`not ready: ${collector}/ready answers with 404\n`)
})

it('is not well where nobody listens, and says where it has asked', async () => {
  const gone = await answering({})
  servers.pop()!.close()
  const { code, said } = await health(gone)
  expect(code).toBe(1)
  expect(said).toContain(`${gone}/ready: `)
})

it('refuses what is no address', async () => {
  expect(await health('localhost:16686')).toEqual({
    code: 2,
    said: expect.stringContaining('"localhost:16686" is no address; write it as http://127.0.0.1:16686') as string,
  })
})
