// All that has to be there before anything of Spoor can run: the packages of the lock file, Node 24 (which is one of them) and the build.
// Plain JavaScript for Node >= 18, because it runs before all that. Does nothing, in well under a second, when nothing has changed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PROGRAM_PACKAGES } from './bundle.mjs'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = join(root, 'node_modules', '.bin')
const windows = process.platform === 'win32'

/** The project's own Node 24, whatever Node started this script. */
export const node = join(root, 'node_modules', 'node', 'bin', windows ? 'node.exe' : 'node')

/** The environment for everything that the project runs: its own Node and tools first on the path. */
export const environment = { ...process.env, PATH: `${bin}${windows ? ';' : ':'}${process.env.PATH}` }

/** Runs a step quietly: its output is shown only when it fails, and then in full. */
function step(label, command, args, options = {}) {
  const started = Date.now()
  process.stderr.write(`  ${label} … `)
  const result = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    shell: windows,
    maxBuffer: 1 << 28,
    ...options,
  })
  if (result.status !== 0) {
    process.stderr.write('failed\n')
    process.stderr.write(
      `${result.stdout ?? ''}${result.stderr ?? ''}${result.error ? `${result.error.message}\n` : ''}`,
    )
    process.stderr.write(`\n${relative(process.cwd(), root) || '.'}: "${[command, ...args].join(' ')}" failed.\n`)
    process.exit(1)
  }
  process.stderr.write(`${((Date.now() - started) / 1000).toFixed(1)} s\n`)
}

function install() {
  const stamp = join(root, 'node_modules', '.spoor-install')
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(`${process.platform} ${process.arch}`)
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && existsSync(node)) return
  step('Installing packages and Node 24 (npm ci)', 'npm', ['ci', '--no-audit', '--no-fund'], {
    // The CPU libraries of onnxruntime ship inside its package; its install script would download CUDA.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
  })
  if (!existsSync(node)) {
    // Some npm versions or settings do not run install scripts; node's links its binary.
    step('Linking Node 24', process.execPath, ['installArchSpecificPackage.js'], {
      cwd: join(root, 'node_modules', 'node'),
    })
  }
  writeFileSync(stamp, wanted)
}

/** The newest change below a folder, as milliseconds since 1970. */
function newest(folder) {
  let time = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'dist' || entry.name === 'node_modules') continue
    const path = join(folder, entry.name)
    time = Math.max(time, entry.isDirectory() ? newest(path) : statSync(path).mtimeMs)
  }
  return time
}

/** Removes what the compiler once made of sources that are gone: it would be published, and found by whoever still imports it. */
function removeOrphans(source, built) {
  if (!existsSync(built)) return
  for (const entry of readdirSync(built, { withFileTypes: true })) {
    const path = join(built, entry.name)
    if (entry.isDirectory()) {
      if (entry.name !== 'bundle') removeOrphans(join(source, entry.name), path)
      continue
    }
    const [, name, kind] = /^(.+?)(?:\.d)?\.([cm]?)[jt]s(?:\.map)?$/.exec(entry.name) ?? []
    if (name === undefined) continue
    const sources = [`${name}.${kind}ts`, `${name}.${kind}tsx`]
    if (!sources.some((file) => existsSync(join(source, file)))) rmSync(path)
  }
}

/** Builds what has changed since it was built last, and nothing else. */
export function build() {
  step('Compiling', node, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b'], { env: environment })
  for (const name of readdirSync(join(root, 'packages'))) {
    const folder = join(root, 'packages', name)
    if (name !== 'ui') removeOrphans(join(folder, 'src'), join(folder, 'dist'))
  }
  const bundled = join(root, 'packages', 'server', 'dist', 'bundle', 'main.js')
  const bundledMs = existsSync(bundled) ? statSync(bundled).mtimeMs : 0
  const compiled = [...PROGRAM_PACKAGES, 'instrument', 'web'].map((name) =>
    join(root, 'packages', name, 'dist', '.tsbuildinfo'),
  )
  if (compiled.some((path) => statSync(path).mtimeMs > bundledMs))
    step('Bundling', node, [join(root, 'scripts', 'bundle.mjs')], { env: environment })
  const page = join(root, 'packages', 'server', 'page', 'index.html')
  const built = existsSync(page) ? statSync(page).mtimeMs : 0
  if (['ui', 'trace', 'otlp'].some((name) => newest(join(root, 'packages', name)) > built)) {
    step('Building the page', 'npm', ['run', 'build', '-w', '@spoor/ui'], { env: environment })
  }
}

export function setup() {
  install()
  build()
}
