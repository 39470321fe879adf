import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { create } from 'tar'
import { type Manifest, manifestOf, type Tarball } from './tarball.ts'

/** One version of a package: its manifest, and the folder or the file that it is in. */
interface Version {
  readonly manifest: Manifest
  readonly folder?: string
  readonly file?: string
}

export interface Registry {
  /** `http://127.0.0.1:…/`, as npm wants it. */
  readonly url: string
  stop(): Promise<void>
}

/**
 * A package registry on loopback that has the given tarballs, and what lies in a `node_modules` folder in the versions that lie there. So npm itself installs
 * packages as a user would, with what they declare and nothing else, and needs no network for it. What it has not got answers 404, as optional packages for
 * other platforms do, which npm leaves out.
 */
export async function startRegistry(tarballs: readonly Tarball[], nodeModules: string): Promise<Registry> {
  const packages = new Map<string, Map<string, Version>>()
  const add = (version: Version) => {
    const { name, version: number } = version.manifest
    if (!packages.has(name)) packages.set(name, new Map())
    packages.get(name)!.set(number, version)
  }
  await collect(nodeModules, add)
  for (const { manifest, file } of tarballs) add({ manifest, file })

  const server = createServer((request, response) => {
    answer(packages, request, response).catch((error: Error) => response.destroy(error))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Every package below a `node_modules` folder, nested ones too; links, which are workspaces, are left out. */
async function collect(folder: string, add: (version: Version) => void): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name)
    if (!entry.isDirectory() || entry.name.startsWith('.')) continue
    if (entry.name.startsWith('@')) {
      await collect(path, add)
      continue
    }
    const manifest = await manifestOf(path)
    if (manifest?.name && manifest.version) add({ manifest, folder: path })
    await collect(join(path, 'node_modules'), add)
  }
}

async function answer(
  packages: ReadonlyMap<string, ReadonlyMap<string, Version>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path, number] = decodeURIComponent(request.url ?? '/')
    .slice(1)
    .split('/-/')
  const versions = packages.get(path ?? '')
  const version = number === undefined ? undefined : versions?.get(number.replace(/\.tgz$/, ''))
  if (!versions || (number !== undefined && !version)) {
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not here"}')
  } else if (version) {
    const { file, folder } = version
    const content = file ? createReadStream(file) : packed(folder!)
    await pipeline(content, response.writeHead(200, { 'content-type': 'application/octet-stream' }))
  } else {
    const described = [...versions].map(([key, { manifest }]) => [
      key,
      { ...manifest, dist: { tarball: `http://${request.headers.host}/${path}/-/${key}.tgz` } },
    ])
    const latest = [...versions.keys()].sort(byNumber).at(-1)
    const body = { name: path, 'dist-tags': { latest }, versions: Object.fromEntries(described) as unknown }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
}

const byNumber = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true })

/** An installed package as the tarball that it came as. */
function packed(folder: string): AsyncIterable<Buffer> {
  const filter = (path: string) => path !== './node_modules' && !path.startsWith('./node_modules/')
  return create({ gzip: { level: 1 }, cwd: folder, prefix: 'package', portable: true, filter }, ['.'])
}
