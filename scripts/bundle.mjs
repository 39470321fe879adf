// Makes of the built program and of its packages a few files, `packages/server/dist/bundle/`, of `@spoor/instrument`
// and what it uses of OpenTelemetry `packages/instrument/dist/bundle/`, and of `@spoor/web` the file for a script tag: loading hundreds of modules is most of a start. See docs/adr/0020-bundle.md.
// The threads' files lie beside `main.js`, where the code that starts them looks for them.
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What the program is made of; `packages/server/bin/spoor.js` has the same list, as it is published without this file. */
export const PROGRAM_PACKAGES = ['otlp', 'trace', 'collector', 'storage', 'server']

const packages = join(dirname(dirname(fileURLToPath(import.meta.url))), 'packages')
const server = join(packages, 'server')

/** The built modules of the program's packages, but for tests. */
function builtModules() {
  return PROGRAM_PACKAGES.flatMap((name) => {
    const dist = join(packages, name, 'dist')
    const files = readdirSync(dist, { recursive: true }).filter((file) =>
      /^(?!bundle\b)(?!.*\.test\.).*\.js$/.test(file),
    )
    return files.map((file) => join(dist, file))
  })
}

/** What is started as a thread, by the name it is started by. */
function threads() {
  const found = {}
  for (const file of builtModules()) {
    if (!/^import \{[^}]*\bparentPort\b/m.test(readFileSync(file, 'utf8'))) continue
    const name = basename(file, '.js')
    if (found[name]) throw new Error(`two threads have one name in the bundle: ${found[name]} and ${file}`)
    found[name] = file
  }
  return found
}

/** The version beside `dist/` is not where the bundled module would look for it. */
const version = {
  name: 'version',
  load(id) {
    if (!/\/(?:server|collector)\/dist\/(?:component\/)?version\.js$/.test(id.replaceAll('\\', '/'))) return null
    const { version } = JSON.parse(readFileSync(join(server, 'package.json'), 'utf8'))
    return `export const version = ${JSON.stringify(version)}`
  },
}

/** WebAssembly that Kafka's client reads from a file beside its module, which would not be there; its package has the same as a module. */
const wasm = {
  name: 'wasm',
  resolveId(source, importer) {
    return source === '@platformatic/wasm-utils' ? this.resolve('@platformatic/wasm-utils/bundled', importer) : null
  },
}

/** What is bundled once more, as CommonJS, has no URL there: what modules of CommonJS are given to require builtins with would throw. */
const bundleable = {
  name: 'bundleable',
  renderChunk(code) {
    return code.replaceAll('createRequire(import.meta.url)', 'createRequire(import.meta.url || "file:///bundle.cjs")')
  },
}

/**
 * V8 keeps the text of what it runs, with two bytes for each character as soon as one of a file needs two: a single quotation mark of a message doubled the text of
 * the whole program, in memory and on the way there.
 */
const latin = {
  name: 'latin',
  generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type === 'chunk') chunk.code = escaped(chunk.code)
    }
  },
}

/** The same program in ASCII: strings, templates and regular expressions may say it so. Where they may not, behind a backslash and in `String.raw`, it throws. */
export function escaped(code) {
  const kept = /(?<!\\)(?:\\\\)*\\[^\0-\x7f]|String\.raw`(?:[^`\\]|\\.)*?[^\0-\x7f]/.exec(code)
  if (kept) throw new Error(`write it as an escape, it cannot be made one in the bundle: ${kept[0]}`)
  return code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** What others ask for whose code is in it. */
function licences(chunks) {
  const folders = new Set()
  for (const { moduleIds = [] } of chunks) {
    for (const id of moduleIds) {
      const found = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(id)
      if (found) folders.add(found[1])
    }
  }
  const texts = [...folders]
    .sort((a, b) => (a < b ? -1 : 1))
    .map((path) => {
      const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
      const file = readdirSync(path).find((entry) => /^(?:licen[cs]e|copying)/i.test(entry))
      return `${name} ${version}, ${license}\n\n${file ? readFileSync(join(path, file), 'utf8').trim() : '(its package has no text of it)'}\n`
    })
  return texts.join(`\n${'-'.repeat(80)}\n\n`)
}

export async function bundle() {
  await write(
    join(server, 'dist', 'bundle'),
    {
      input: { main: join(server, 'dist', 'main.js'), ...threads() },
      platform: 'node',
      plugins: [version, wasm, latin],
    },
    // Comments are kept in memory, too. The licences lie beside it.
    { format: 'esm', comments: false },
  )
  const dist = join(packages, 'instrument', 'dist')
  await write(join(dist, 'bundle'), {
    input: { index: join(dist, 'index.js'), register: join(dist, 'register.js') },
    platform: 'node',
    // What is shared with the application and its other instrumentations: there must be one of each.
    plugins: [bundleable],
    external: [/^@opentelemetry\/api$/, /^(import|require)-in-the-middle(\/|$)/],
  })
  await bundleWeb()
}

/** `@spoor/web` for a script tag: one file, which has all that it needs. */
export async function bundleWeb(folder = join(packages, 'web', 'dist', 'bundle')) {
  await write(
    folder,
    { input: { 'spoor-web': join(packages, 'web', 'dist', 'script.js') }, platform: 'browser' },
    { format: 'iife', minify: true },
  )
}

async function write(folder, options, output = { format: 'esm' }) {
  const { rolldown } = await import('rolldown')
  const build = await rolldown(options)
  const made = `${folder}.new`
  rmSync(made, { recursive: true, force: true })
  // Without hashes: Node's compile cache goes by the name, and would keep those of each build.
  const written = await build.write({ dir: made, chunkFileNames: '[name].js', ...output })
  await build.close()
  writeFileSync(join(made, 'THIRD-PARTY-LICENSES.txt'), licences(written.output))
  // At once: a program that starts meanwhile finds the one or the other.
  rmSync(folder, { recursive: true, force: true })
  renameSync(made, folder)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle()
