import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { dirname, join, posix, relative, sep } from 'node:path'
import { promisify } from 'node:util'
import { extract } from 'tar'
import { root } from './spoor.ts'

const run = promisify(execFile)

/** What is read of a package.json. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly license?: string
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** A package as npm would publish it. */
export interface Tarball {
  readonly manifest: Manifest
  readonly file: string
  /** Where it was unpacked, to be looked at. */
  readonly folder: string
  /** Paths of its files in `folder`, with `/`. */
  readonly files: readonly string[]
  /** Bytes of the tarball. */
  readonly size: number
}

export async function manifestOf(folder: string): Promise<Manifest | undefined> {
  const file = join(folder, 'package.json')
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as Manifest) : undefined
}

/** The environment without what npm tells the scripts that it runs: a second npm would take it for its own settings. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^npm_/i.test(key)))
}

/** Packs every package below `packages/` that is not private, in `folder`, and unpacks it again to see what is in it. */
export async function packAll(folder: string): Promise<Tarball[]> {
  const names = await readdir(join(root, 'packages'))
  const manifests = await Promise.all(names.map((name) => manifestOf(join(root, 'packages', name))))
  const published = manifests.filter((manifest) => manifest !== undefined && !manifest.private) as Manifest[]
  const workspaces = published.flatMap(({ name }) => ['--workspace', name])
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder, ...workspaces], {
    cwd: root,
    env: plainEnvironment(),
    shell: process.platform === 'win32',
    maxBuffer: 1 << 26,
  })
  const packed = parseReport(stdout)
  return Promise.all(
    published.map(async (manifest) => {
      const report = packed.find(({ name }) => name === manifest.name)
      if (!report) throw new Error(`npm pack said nothing of ${manifest.name}: ${stdout.slice(0, 500)}`)
      const file = join(folder, report.filename)
      const unpacked = join(folder, `unpacked-${manifest.name.replace('/', '-')}`)
      await mkdir(unpacked)
      await extract({ file, cwd: unpacked, strip: 1 })
      return { manifest, file, folder: unpacked, files: await filesBelow(unpacked), size: report.size }
    }),
  )
}

interface PackReport {
  readonly name: string
  readonly filename: string
  readonly size: number
}

/** npm prints a list up to version 11, later an object by name; scripts of the packages may print before it. */
function parseReport(stdout: string): PackReport[] {
  const report = JSON.parse(stdout.slice(stdout.search(/^[[{]/m))) as PackReport[] | Record<string, PackReport>
  return Object.values(report)
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
}

const importPatterns = [
  /^\s*(?:import|export)\b[^;'"]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^\s*import\s*['"]([^'"]+)['"]/gm,
  /\b(?:import|require)\(\s*['"]([^'"]+)['"]\s*\)/g,
  /\bnew URL\(\s*['"`](\.[^'"`$]+)['"`]\s*,\s*import\.meta\.url/g,
]

/** The modules of a tarball that run or are read for types, but for what is bundled of them. */
export function modulesOf({ files }: Tarball): string[] {
  return files.filter((file) => /^dist\/(?!bundle\/).*\.(?:[cm]?js|d\.[cm]?ts)$/.test(file))
}

/** What modules of a tarball import: `from` is the file, `to` what stands in it. */
export async function importsOf(tarball: Tarball): Promise<{ from: string; to: string }[]> {
  const modules = modulesOf(tarball)
  const found = await Promise.all(
    modules.map(async (from) => {
      const text = await readFile(join(tarball.folder, from), 'utf8')
      const code = text.replaceAll(/^\s*(?:\/\*\*?|\*|\/\/).*$/gm, '')
      return importPatterns.flatMap((pattern) => [...code.matchAll(pattern)].map(([, to]) => ({ from, to: to! })))
    }),
  )
  return found.flat()
}

/** The name of the package that a specifier is of; undefined for a file of the same package and for what Node brings. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || isBuiltin(specifier)) return undefined
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** Whether a relative specifier leads to a file of the tarball; declarations stand for the modules that they declare. */
export function leadsToFile({ files }: Tarball, from: string, specifier: string): boolean {
  const target = posix.join(posix.dirname(from), specifier)
  return files.includes(target) || files.some((file) => file.startsWith(target.endsWith('/') ? target : `${target}/`))
}

/** Sources that a tarball's maps name, as paths in the tarball, each with its map. */
export async function mappedSources({ folder, files }: Tarball): Promise<{ map: string; source: string }[]> {
  const maps = files.filter((file) => file.endsWith('.map'))
  const sources = await Promise.all(
    maps.map(async (map) => {
      const { sources, sourceRoot = '' } = JSON.parse(await readFile(join(folder, map), 'utf8')) as {
        sources: string[]
        sourceRoot?: string
      }
      return sources.map((source) => ({ map, source: posix.join(dirname(map), sourceRoot, source) }))
    }),
  )
  return sources.flat()
}
