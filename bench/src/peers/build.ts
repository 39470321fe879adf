import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { recipeOf, type Peer, type Recipe } from './catalogue.ts'
import { readStamps, STAMPS } from './place.ts'

/** Lines of a log that are shown when a step of it fails. */
const LOG_LINES = 8

/** What a recipe cannot do without. */
export type Tool = 'go' | 'python'

/** The program that a recipe cannot do without, by how it is started, and where to look when it is not there. */
export const TOOLS: Readonly<
  Record<'go' | 'python', { readonly command: readonly string[]; readonly advice: string }>
> = {
  go: { command: ['go', 'version'], advice: 'install Go 1.26 or newer, or put its bin folder into PATH' },
  python: {
    command: ['python3', '-c', 'import ensurepip, venv'],
    advice: 'install Python 3.10 or newer with its venv module (Debian: python3-venv)',
  },
}

export const toolOf = ({ from }: Recipe): Tool => (from === 'pip' ? 'python' : 'go')

/** Undefined where the tool is there; else what is missing, and what to do about it. */
export async function missingTool(tool: Tool): Promise<string | undefined> {
  const { command, advice } = TOOLS[tool]
  const works = await run(command, { log: undefined }).then(
    () => true,
    () => false,
  )
  return works ? undefined : `"${command.join(' ')}" does not work here: ${advice}`
}

/**
 * Builds a peer in a folder, with a log beside it. What is there under its name is replaced when the new one is whole.
 * Rejects with the command that failed and the end of its log.
 */
export async function build(folder: string, peer: Peer): Promise<void> {
  const work = join(folder, 'work', peer.name)
  const made = join(work, peer.name)
  const target = join(folder, peer.name)
  await rm(work, { recursive: true, force: true })
  await mkdir(work, { recursive: true })
  const step = (command: readonly string[], cwd = work): Promise<string> =>
    run(command, { cwd, log: join(folder, `${peer.name}.log`) })
  await rm(join(folder, `${peer.name}.log`), { force: true })
  if (peer.from === 'builder') await buildCollector(peer, made, step)
  else if (peer.from === 'go') await buildPackage(peer.package, made, step)
  else if (peer.from === 'go release') await buildRelease(peer, made, step)
  else {
    // A virtual environment knows its own place, and is not moved.
    await rm(target, { recursive: true, force: true })
    await step(['python3', '-m', 'venv', target])
    await step([join(target, 'bin', 'python'), '-m', 'pip', 'install', '--quiet', ...peer.packages])
  }
  if (peer.from !== 'pip') await rename(made, target)
  await rm(work, { recursive: true, force: true })
  const stamps = { ...readStamps(folder), [peer.name]: recipeOf(peer) }
  await writeFile(join(folder, STAMPS), `${JSON.stringify(stamps, null, 2)}\n`)
}

/** Resolves with what the command has written to its standard output. */
type Step = (command: readonly string[], cwd?: string) => Promise<string>

const compile = (target: string, main: string, modules: 'mod' | 'readonly' = 'mod') => [
  'go',
  'build',
  `-mod=${modules}`,
  '-trimpath',
  '-ldflags=-s -w',
  '-o',
  target,
  main,
]

/** A module of its own around the package, since `go install` refuses modules with replacements. */
async function buildPackage(main: string, target: string, step: Step): Promise<void> {
  await step(['go', 'mod', 'init', 'spoor/peers'])
  await step(['go', 'get', main])
  await step(compile(target, main.slice(0, main.indexOf('@'))))
}

/** In a copy of the module's own sources: what is in the cache of modules cannot be written to, and `go.mod` counts where it lies. */
async function buildRelease(
  { module, main }: Extract<Peer, { from: 'go release' }>,
  target: string,
  step: Step,
): Promise<void> {
  const sources = join(target, '..', 'sources')
  await step(['go', 'mod', 'init', 'spoor/peers'])
  const described = JSON.parse(await step(['go', 'mod', 'download', '-json', module])) as { readonly Dir: string }
  await cp(described.Dir, sources, { recursive: true })
  await step(['chmod', '-R', 'u+w', sources])
  await step(compile(target, main, 'readonly'), sources)
}

/**
 * The builder writes the sources. Its `go mod tidy` would also fetch what only the tests of modules need, so that the requirements are
 * those of the manifest and compiling fetches the rest.
 */
async function buildCollector(
  { builder, version, manifest }: Extract<Peer, { from: 'builder' }>,
  target: string,
  step: Step,
): Promise<void> {
  const work = join(target, '..')
  const [tool, sources, config] = [join(work, 'builder'), join(work, 'sources'), join(work, 'manifest.yaml')]
  await mkdir(join(work, 'tool'))
  await step(['go', 'mod', 'init', 'spoor/peers'], join(work, 'tool'))
  await step(['go', 'get', builder], join(work, 'tool'))
  await step(compile(tool, builder.slice(0, builder.indexOf('@'))), join(work, 'tool'))
  const text = await readFile(manifest, 'utf8')
  await writeFile(config, text.replace(/^dist:$/m, `dist:\n  output_path: ${JSON.stringify(sources)}`))
  await step([tool, '--config', config, '--skip-get-modules', '--skip-compilation'])
  const modules = [...text.matchAll(/gomod: (\S+) (\S+)$/gm)].map(([, name, wanted]) => `${name}@${wanted}`)
  const required = [...modules, `go.opentelemetry.io/collector/otelcol@v${version}`]
  // Older builders write one, whatever they are told.
  await rm(join(sources, 'go.mod'), { force: true })
  await step(['go', 'mod', 'init', 'spoor/peers'], sources)
  await step(['go', 'mod', 'edit', ...required.map((module) => `-require=${module}`)], sources)
  await step(compile(target, '.'), sources)
}

async function run(
  command: readonly string[],
  { cwd, log }: { readonly cwd?: string; readonly log: string | undefined },
): Promise<string> {
  const [program = '', ...args] = command
  const child = spawn(program, args, { ...(cwd !== undefined && { cwd }), stdio: ['ignore', 'pipe', 'pipe'] })
  const file = log === undefined ? undefined : createWriteStream(log, { flags: 'a' })
  file?.write(`$ ${command.join(' ')}\n`)
  let [text, output] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-10_000)
      file?.write(chunk)
    })
  }
  const end = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => resolve(code === 0 ? '' : (signal ?? `code ${code}`)))
  })
  if (file) {
    file.end()
    await finished(file)
  }
  if (end === '') return output
  const tail = text.trimEnd().split('\n').slice(-LOG_LINES).join('\n')
  throw new Error(
    `${command.join(' ')} failed (${end})${tail && `:\n${tail}`}${log === undefined ? '' : `\nall of it: ${log}`}`,
  )
}
