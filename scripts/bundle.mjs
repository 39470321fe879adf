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
    const text = readFileSync(file, 'utf8')
    // What exports something is a part of one.
    if (!/^import \{[^}]*\bparentPort\b/m.test(text) || /^export /m.test(text)) continue
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

/**
 * What libraries load and the program never calls, some of it before the first request: what Fastify compiles schemas with, which no route has (`base-server.ts` names its
 * own in its place), what it makes requests of for tests, and what lists the files of a folder that is served as it is.
 */
const NEVER_CALLED = ['@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler', 'light-my-request', 'glob']

const neverCalled = {
  name: 'never-called',
  resolveId: (source) => (NEVER_CALLED.includes(source) ? `\0never-called:${source}` : null),
  load(id) {
    const [, name] = /^\0never-called:(.*)$/.exec(id) ?? []
    if (name === undefined) return null
    return `const fail = () => { throw new Error('${name} is not in the bundle: see scripts/bundle.mjs') }\nmodule.exports = Object.assign(fail, { glob: fail })`
  },
}

/** A module of ours does nothing by being loaded: of a package, the bundle has what is used. */
function hasSideEffects(id) {
  return !PROGRAM_PACKAGES.some((name) => id.startsWith(join(packages, name, 'dist')))
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

/**
 * What a start loads, as few files: cut where commands and components share something, the program were eighty, of which each takes a third of a millisecond. What is loaded together is
 * seen in the program cut so.
 */
async function startGroups(options) {
  const { rolldown } = await import('rolldown')
  const build = await rolldown(options)
  const { output } = await build.generate({ format: 'esm' })
  await build.close()
  const chunkOf = (module) =>
    output.find(({ moduleIds = [] }) => moduleIds.includes(join(packages, ...module.split('/'))))
  /** The modules of a file and of those that are loaded with it. */
  function loadedWith(module) {
    const files = new Set()
    const add = ({ fileName, imports }) => {
      if (files.has(fileName)) return
      files.add(fileName)
      for (const name of imports)
        add(output.find((chunk) => chunk.fileName === name) ?? { fileName: name, imports: [] })
    }
    add(chunkOf(module))
    return output.filter(({ fileName }) => files.has(fileName)).flatMap(({ moduleIds = [] }) => moduleIds)
  }
  const groups = [
    // Before the threads are started.
    [
      'start',
      ['collector/dist/process.js', 'storage/dist/local/threads/early.js', 'server/bin/allocator.js'].flatMap(
        loadedWith,
      ),
    ],
    // Whatever is run; nearly every collector has a receiver for OTLP.
    ['program', ['server/dist/cli.js', 'collector/dist/receivers/otlp/index.js'].flatMap(loadedWith)],
    // With page and store, and some of it with other commands.
    [
      'shared',
      loadedWith('server/dist/spoor.js').filter((id) => !chunkOf('server/dist/spoor.js').moduleIds.includes(id)),
    ],
  ]
  return groups.map(([name, ids], i) => {
    const wanted = new Set(ids.filter((id) => !id.startsWith('\0')))
    return { name, test: (id) => wanted.has(id), priority: groups.length - i }
  })
}

export async function bundle() {
  const program = {
    platform: 'node',
    plugins: [version, wasm, neverCalled, latin],
    treeshake: { moduleSideEffects: hasSideEffects },
  }
  // Comments are kept in memory, too. The licences lie beside it.
  const output = { format: 'esm', comments: false }
  const own = threads()
  // A part of the program may be called as a thread is, whose name is looked for.
  const chunkFileNames = ({ name }) => (own[name] ? 'part-[name].js' : '[name].js')
  const main = { ...program, input: { main: join(server, 'dist', 'main.js') } }
  await write(join(server, 'dist', 'bundle'), [
    { options: main, output: { ...output, chunkFileNames, codeSplitting: { groups: await startGroups(main) } } },
    // A file each, that shares nothing with the program: a thread has the text of what it runs for itself anyway, and each file of a start takes half a millisecond.
    ...Object.entries(own).map(([name, file]) => ({
      options: { ...program, input: { [name]: file } },
      output: { ...output, codeSplitting: false },
    })),
  ])
  const dist = join(packages, 'instrument', 'dist')
  await write(join(dist, 'bundle'), [
    {
      options: {
        input: { index: join(dist, 'index.js'), register: join(dist, 'register.js') },
        platform: 'node',
        // What is shared with the application and its other instrumentations: there must be one of each.
        plugins: [bundleable],
        external: [/^@opentelemetry\/api$/, /^(import|require)-in-the-middle(\/|$)/],
      },
      output: { format: 'esm' },
    },
  ])
  await bundleWeb()
}

/** `@spoor/web` for a script tag: one file, which has all that it needs. */
export async function bundleWeb(folder = join(packages, 'web', 'dist', 'bundle')) {
  await write(folder, [
    {
      options: { input: { 'spoor-web': join(packages, 'web', 'dist', 'script.js') }, platform: 'browser' },
      output: { format: 'iife', minify: true },
    },
  ])
}

/** `builds`: what goes into the folder, each with what rolldown is told. */
async function write(folder, builds) {
  const { rolldown } = await import('rolldown')
  const made = `${folder}.new`
  rmSync(made, { recursive: true, force: true })
  const chunks = []
  for (const { options, output } of builds) {
    const build = await rolldown(options)
    // Without hashes: Node's compile cache goes by the name, and would keep those of each build.
    const written = await build.write({ dir: made, chunkFileNames: '[name].js', ...output })
    await build.close()
    const twice = written.output.find(({ fileName }) => chunks.some((chunk) => chunk.fileName === fileName))
    if (twice)
      throw new Error(`two files of the bundle have the name ${twice.fileName}: give one of the modules another`)
    chunks.push(...written.output)
  }
  writeFileSync(join(made, 'THIRD-PARTY-LICENSES.txt'), licences(chunks))
  // At once: a program that starts meanwhile finds the one or the other.
  rmSync(folder, { recursive: true, force: true })
  renameSync(made, folder)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle()
