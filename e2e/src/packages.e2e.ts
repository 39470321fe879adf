import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Registry, startRegistry } from './registry.ts'
import { eventually, getJson, node, root, type RunningSpoor, startSpoor } from './spoor.ts'
import {
  importsOf,
  modulesOf,
  leadsToFile,
  manifestOf,
  mappedSources,
  packageOf,
  packAll,
  plainEnvironment,
  type Tarball,
} from './tarball.ts'

// The packages as they would be published: packed, looked through, and installed by npm in an empty folder.

const run = promisify(execFile)
const names = [
  '@spoor/otlp',
  '@spoor/trace',
  '@spoor/collector',
  '@spoor/storage',
  'spoor',
  '@spoor/instrument',
  '@spoor/web',
]

let scratch: string
let tarballs: Tarball[]
let registry: Registry

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'spoor-packages-'))
  tarballs = await packAll(scratch)
  registry = await startRegistry(tarballs, join(root, 'node_modules'))
})
afterAll(async () => {
  await registry?.stop()
  await rm(scratch, { recursive: true, force: true })
})

const tarballOf = (name: string): Tarball => tarballs.find(({ manifest }) => manifest.name === name)!

/** An empty folder with these packages installed in it by npm, from an empty cache and with nobody's settings. */
async function install(name: string, packages: readonly string[]): Promise<string> {
  const folder = join(scratch, name)
  const settings = join(scratch, `${name}.npmrc`)
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }))
  await writeFile(settings, `registry=${registry.url}\ncache=${join(scratch, 'cache')}\nupdate-notifier=false\n`)
  const options = ['--userconfig', settings, '--globalconfig', join(scratch, 'none.npmrc'), '--ignore-scripts']
  await run('npm', ['install', ...options, '--no-audit', '--no-fund', '--noproxy=127.0.0.1', ...packages], {
    cwd: folder,
    env: { ...plainEnvironment(), NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' },
    shell: process.platform === 'win32',
  })
  return folder
}

/** Runs Node in a folder, with nothing of this workspace in its environment. */
async function runNode(folder: string, args: readonly string[], env: Record<string, string> = {}) {
  const options = { cwd: folder, env: { PATH: process.env['PATH'], ...env } }
  return run(node, args, options).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  )
}

it('packs every package that is not private', () => {
  expect(tarballs.map(({ manifest }) => manifest.name).sort()).toEqual([...names].sort())
})

describe.each(names)('the tarball of %s', (name) => {
  it('has a readme, the license, and what its manifest points at', async () => {
    const { folder, files, manifest } = tarballOf(name)
    expect(files).toContain('README.md')
    expect(await readFile(join(folder, 'LICENSE'), 'utf8')).toBe(await readFile(join(root, 'LICENSE'), 'utf8'))
    expect(manifest.license).toBe('Apache-2.0')
    const targets = [
      ...Object.values(manifest.bin ?? {}),
      ...Object.values(manifest.exports ?? {}).flatMap((conditions) => Object.values(conditions)),
    ]
    expect(targets.length).toBeGreaterThan(0)
    for (const target of targets) expect(files).toContain(target.replace('./', ''))
  })

  it('has no tests and nothing of the build but what it made', () => {
    const { files } = tarballOf(name)
    const unwanted = files.filter((file) => /\.test\.|(^|\/)fixtures?[./]|tsbuildinfo|tsconfig/.test(file))
    expect(unwanted).toEqual([])
  })

  it('has the sources that its maps name, and a source for each module', async () => {
    const tarball = tarballOf(name)
    const mapped = await mappedSources(tarball)
    expect(mapped.filter(({ source }) => !tarball.files.includes(source))).toEqual([])
    const maps = new Set(mapped.map(({ map }) => map))
    const modules = modulesOf(tarball)
    expect(modules.length).toBeGreaterThan(0)
    expect(modules.filter((file) => !maps.has(`${file}.map`))).toEqual([])
  })

  it('imports only what it has or declares', async () => {
    const tarball = tarballOf(name)
    const { dependencies, peerDependencies } = tarball.manifest
    const declared = new Set([name, ...Object.keys({ ...dependencies, ...peerDependencies })])
    const imports = await importsOf(tarball)
    expect(imports.length).toBeGreaterThan(0)
    const undeclared = imports.filter(({ to }) => {
      const other = packageOf(to)
      return other !== undefined && !declared.has(other)
    })
    expect(undeclared).toEqual([])
    const lost = imports.filter(
      ({ from, to }) => to.startsWith('.') && !leadsToFile(tarball, from, to.replace(/\.ts$/, '.js')),
    )
    expect(lost).toEqual([])
  })

  it('takes its siblings in the version that they have here', async () => {
    const { dependencies = {} } = tarballOf(name).manifest
    for (const [other, version] of Object.entries(dependencies)) {
      if (names.includes(other)) expect([other, version]).toEqual([other, tarballOf(other).manifest.version])
    }
  })
})

describe('installed in an empty folder', () => {
  let folder: string
  let spoor: RunningSpoor
  beforeAll(async () => {
    folder = await install('app', ['spoor', '@spoor/instrument', '@spoor/web', '@types/node'])
    spoor = await startSpoor(undefined, join(folder, 'node_modules', 'spoor', 'bin', 'spoor.js'))
  })
  afterAll(async () => {
    await spoor?.remove()
  })

  it('has the packages themselves, not this workspace’s', async () => {
    for (const name of ['spoor', '@spoor/storage', '@spoor/instrument']) {
      const path = join('node_modules', name, 'package.json')
      const { stdout } = await runNode(folder, ['-p', `fs.realpathSync(${JSON.stringify(path)})`])
      expect(stdout.trim()).toContain(scratch)
    }
  })

  it('answers npx spoor --version and --help', async () => {
    const npx = (flag: string) =>
      run('npx', ['spoor', flag], { cwd: folder, env: plainEnvironment(), shell: process.platform === 'win32' })
    const { version } = (await manifestOf(join(root, 'packages', 'server')))!
    expect((await npx('--version')).stdout).toContain(version)
    expect((await npx('--help')).stdout).toContain('--otlp-http-port')
  })

  it('keeps a span and gives it back', async () => {
    const traceId = crypto.randomUUID().replaceAll('-', '')
    const span = { traceId, spanId: '00f067aa0ba902b7', name: 'pack', startTimeUnixNano: '1', endTimeUnixNano: '2' }
    const attributes = [{ key: 'service.name', value: { stringValue: 'tarball' } }]
    const answer = await fetch(`${spoor.http}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ resourceSpans: [{ resource: { attributes }, scopeSpans: [{ spans: [span] }] }] }),
    })
    expect(answer.status).toBe(200)
    interface Found {
      data: { traceID: string; spans: { operationName: string }[] }[]
    }
    const found = await getJson<Found>(`${spoor.page}/api/traces/${traceId}`)
    expect(found.data[0]?.spans.map(({ operationName }) => operationName)).toEqual(['pack'])
  })

  it('serves the page and its assets', async () => {
    const index = await fetch(spoor.page)
    expect(index.status).toBe(200)
    const asset = /"(\/assets\/[^"]+\.js)"/.exec(await index.text())?.[1]
    const script = await fetch(`${spoor.page}${asset}`)
    expect(script.status).toBe(200)
    expect(script.headers.get('content-type')).toContain('javascript')
    expect((await script.text()).length).toBeGreaterThan(1000)
  })

  it('traces a program by --import alone, and sends what is left in a thread as it exits', async () => {
    await writeFile(
      join(folder, 'app.js'),
      `import { createServer } from 'node:http'
const server = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1', async () => {
  await (await fetch('http://127.0.0.1:' + server.address().port + '/pack')).text()
  // Nothing has been sent yet; only the thread that is started at exit can send it.
  process.exit(3)
})`,
    )
    const env = { OTEL_SERVICE_NAME: 'installed', OTEL_EXPORTER_OTLP_ENDPOINT: spoor.http }
    const { code, stderr } = await runNode(folder, ['--import', '@spoor/instrument/register', 'app.js'], env)
    expect(stderr).toContain('installed')
    expect(code).toBe(3)
    const spans = await eventually('the program’s spans', async () => {
      interface Found {
        data: { spans: { operationName: string }[] }[]
      }
      const { data } = await getJson<Found>(`${spoor.page}/api/traces?service=installed`)
      return data[0]?.spans
    })
    expect(spans.length).toBe(2)
  })

  it('says what the conformance suite is missing', async () => {
    const { code, stderr } = await runNode(folder, ['-e', 'await import("@spoor/storage/conformance")'])
    expect(code).not.toBe(0)
    expect(stderr).toContain('npm install --save-dev vitest fast-check')
  })

  it('has types that can be read without this workspace', async () => {
    const entries = tarballs.flatMap(({ manifest: { name, exports = {} } }) =>
      Object.keys(exports).map((entry) => name + entry.slice(1)),
    )
    const lines = entries.map((entry, index) => `export * as entry${index} from '${entry}'`)
    await writeFile(join(folder, 'types.mts'), lines.join('\n'))
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const strict = ['--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false', '--target', 'es2024']
    const options = ['--noEmit', '--module', 'nodenext', '--types', 'node', ...strict]
    const { code, stdout } = await runNode(folder, [tsc, ...options, 'types.mts'])
    expect(code, stdout).toBe(0)
  })

  it('stops on SIGTERM with exit code 0', async () => {
    expect(await spoor.stop('SIGTERM'), spoor.output()).toBe(0)
  })
})

describe('for who writes an engine', () => {
  // Two of its parts; all of it runs on the sources.
  it('runs the conformance suite on the installed engine', async () => {
    const folder = await install('engine', ['@spoor/storage'])
    // npm would take half a minute to pack and install these.
    for (const peer of ['vitest', 'fast-check'])
      await symlink(join(root, 'node_modules', peer), join(folder, 'node_modules', peer), 'junction')
    await writeFile(
      join(folder, 'engine.test.js'),
      `import { openLocalStore } from '@spoor/storage'
import { traceStoreConformance } from '@spoor/storage/conformance'
traceStoreConformance('the installed engine', (directory) => openLocalStore({ directory }))`,
    )
    const vitest = join('node_modules', 'vitest', 'vitest.mjs')
    const parts = ['-t', 'searches by sets of spans|stands what is out of all proportion']
    const options = [...parts, '--reporter=default', '--reporter=json', '--outputFile.json=report.json']
    const { code, stdout, stderr } = await runNode(folder, [vitest, 'run', ...options], { TMPDIR: scratch })
    expect(code, stdout + stderr).toBe(0)
    const report = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')) as {
      numPassedTests: number
      numFailedTests: number
    }
    expect(report.numFailedTests).toBe(0)
    expect(report.numPassedTests).toBeGreaterThanOrEqual(10)
  })
})
