/**
 * `npm run containers`: builds the images of our Dockerfiles and runs the tutorial's commands and the compose files with
 * them, on a machine without a container engine. Linux and root; it needs the registry that npm is set up to use.
 *
 *     npm run containers                      all of it, but for what is missing on this machine, which is told
 *     npm run containers -- compose/spoor     one of the scenarios
 *     npm run containers -- pinned/jaeger     one with an image that the tutorial pins: npm run peers -- tutorial builds them
 *     npm run containers -- tutorial/python   also services in Python, which need Python and its index
 *
 * `SPOOR_CONTAINERS` names the folder of what is built, to have it again; default: one that is removed at the end.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { run } from './commands.ts'
import { buildOf, readCompose } from './compose.ts'
import { Builder } from './images.ts'
import type { Image } from './images.ts'
import { pinnedImages } from './pinned.ts'
import { preparePython } from './python-services.ts'
import { compareShapes, runScenario, SCENARIOS, whyNot } from './scenarios.ts'

const workspace = resolve(import.meta.dirname, '../../..')
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const [phase, folder = '', ...names] = process.argv.slice(2)
try {
  if (phase === 'build') build(folder, names)
  else if (phase === 'run') await runScenario(names[0]!, imagesIn(folder), join(folder, 'run'), workspace, say)
  else process.exitCode = all(process.argv.slice(2))
} catch (error) {
  say(`✗ ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
// What runs in containers ends with this process.
if (phase === 'run') process.exit()

function all(wanted: readonly string[]): number {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    say('✗ npm run containers: it makes namespaces and mounts: run it as root, on Linux')
    return 1
  }
  const unknown = wanted.find((name) => !(name in SCENARIOS))
  if (unknown !== undefined) {
    say(`✗ there is no scenario ${unknown}: ${Object.keys(SCENARIOS).join(', ')}`)
    return 1
  }
  const missing = wanted.find((name) => whyNot(name) !== undefined)
  if (missing !== undefined) {
    say(`✗ ${missing}: ${whyNot(missing)}`)
    return 1
  }
  const names = wanted.length > 0 ? wanted : Object.keys(SCENARIOS).filter((name) => whyNot(name) === undefined)
  const untried = wanted.length > 0 ? [] : Object.keys(SCENARIOS).filter((name) => !names.includes(name))
  const kept = process.env['SPOOR_CONTAINERS']
  const work = kept ?? mkdtempSync(join(tmpdir(), 'spoor-containers-'))
  mkdirSync(work, { recursive: true })
  rmSync(join(work, 'shapes'), { recursive: true, force: true })
  try {
    if (again(['--mount', '--propagation=private'], ['build', work, ...wanted]) !== 0) return 1
    let failed = 0
    for (const name of names) {
      say(`\n${name}`)
      // With them ends all that is started and mounted in them, also when this is killed.
      const own = [
        '--mount',
        '--propagation=private',
        '--net',
        '--uts',
        '--pid',
        '--fork',
        '--kill-child',
        '--mount-proc',
      ]
      if (again(own, ['run', work, name]) !== 0) failed++
      rmSync(join(work, 'run'), { recursive: true, force: true })
    }
    const { compared, lines } = compareShapes(work, names)
    if (compared.length > 1)
      say(lines.length === 0 ? `\n✓ the same spans in ${compared.join(', ')}` : `\n✗ ${lines.join('\n  ')}`)
    if (lines.length > 0) failed++
    for (const name of untried) say(`- ${name} is not tried: ${whyNot(name)}`)
    const good =
      untried.length === 0 ? '✓ all scenarios' : `✓ ${names.length} of ${names.length + untried.length} scenarios`
    say(failed === 0 ? `\n${good}` : `\n✗ ${failed} failed`)
    return failed === 0 ? 0 : 1
  } finally {
    if (kept === undefined) rmSync(work, { recursive: true, force: true })
  }
}

/** This program again, in namespaces of its own. */
function again(namespaces: readonly string[], args: readonly string[]): number {
  const program = [process.execPath, ...process.execArgv, import.meta.filename, ...args]
  return spawnSync('unshare', [...namespaces, ...program], { stdio: 'inherit' }).status ?? 1
}

/** Builds what the compose files name, which is all that there is; without the example where no scenario has it. */
function build(work: string, wanted: readonly string[]): void {
  const withExample = wanted.length === 0 || wanted.some((name) => name.startsWith('compose/'))
  const builder = new Builder(work, say)
  const images: Record<string, Image> = {}
  for (const file of ['spoor.yaml', 'collector-spoor.yaml']) {
    const compose = readCompose(join(workspace, 'examples/object-classification/compose', file))
    for (const service of Object.values(compose.services)) {
      const options = buildOf(compose, service)
      if (!options || images[service.image] || !(withExample || service.image.startsWith('spoor'))) continue
      say(service.image)
      images[service.image] = builder.build(options)
    }
  }
  for (const [name, { layers }] of Object.entries(images)) {
    const kilobytes = Number(
      run('du', '--summarize', '--total', ...layers.slice(1))
        .split('\n')
        .at(-1)!
        .split('\t')[0],
    )
    say(`  ${name.padEnd(42)} ${String(Math.round(kilobytes / 1000)).padStart(5)} MB over its base`)
  }
  Object.assign(images, pinnedImages(work, images['spoor']!))
  writeFileSync(join(work, 'images.json'), JSON.stringify(images))
  if (wanted.length === 0 || wanted.includes('tutorial/python')) preparePython(workspace, say)
}

function imagesIn(work: string): Readonly<Record<string, Image>> {
  return JSON.parse(readFileSync(join(work, 'images.json'), 'utf8')) as Record<string, Image>
}
