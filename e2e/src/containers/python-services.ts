/**
 * Both ways in which the tutorial's Python services set tracing up, against our image under its commands: the trace is
 * whole in both, and the doctor says what is odd about the second one, which works all the same.
 *
 * They are written anew in `e2e/python/tutorial`. `SPOOR_TUTORIAL` names a README of the tutorial whose own snippets are
 * run instead, as they stand there.
 */
import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { run } from './commands.ts'
import { PAGE, stopAll, until } from './trial.ts'
import type { JaegerTrace, Setting } from './trial.ts'
import { JAEGER, typed } from './tutorial.ts'

const execute = promisify(execFile)
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'spoor', 'tutorial-python')
const python = join(cache, 'bin', 'python')
const RUN_MS = 240_000

/** What a whole trace has: who is asked, asks on, is asked again, and has a span by hand. */
const OPERATIONS = ['GET', 'GET /inner', 'GET /outer', 'by hand']
/** What is odd, in the order of the snippets: by the source, and by what has come of it. */
const ODD = [[], ['exporter_shadowed', 'instrumented_before_provider', 'other_protocol']]

/** Sets up the virtual environment, once. It needs the index that pip is set up to use. */
export function preparePython(workspace: string, say: (line: string) => void): void {
  const requirements = join(workspace, 'e2e/python/tutorial/requirements.txt')
  const stamp = join(cache, '.requirements')
  const wanted = createHash('sha256').update(readFileSync(requirements)).digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  say('FastAPI, aiohttp and the OpenTelemetry SDK of Python')
  const works = spawnSync('python3', ['-c', 'import ensurepip, venv']).status === 0
  if (!works) throw new Error('tutorial/python needs Python 3.10 or newer with venv (Debian: python3-venv)')
  run('python3', '-m', 'venv', '--clear', cache)
  run(python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements)
  writeFileSync(stamp, wanted)
}

export async function pythonServices(setting: Setting): Promise<void> {
  const { workspace, folder, say } = setting
  await typed(setting, JAEGER)
  // Snippets call the collector by a name of its network; this process's mounts are its own.
  writeFileSync(join(folder, 'hosts'), '127.0.0.1 localhost otel-collector\n')
  run('mount', '--bind', join(folder, 'hosts'), '/etc/hosts')
  for (const [index, { name, text }] of snippets(workspace).entries()) {
    const own = join(folder, name)
    mkdirSync(own)
    writeFileSync(join(own, 'service.py'), text)
    const before = await services()
    // Not `spawnSync`: the ports of containers are published by this process.
    await execute(python, [join(workspace, 'e2e/python/tutorial/drive.py'), join(own, 'service.py')], {
      timeout: RUN_MS,
    })
    let service = ''
    await until(`the trace of ${name} is whole`, async () => {
      service = (await services()).find((one) => !before.includes(one)) ?? ''
      const answer = await fetch(`${PAGE}/api/traces?service=${encodeURIComponent(service)}&limit=20`)
      const { data } = (await answer.json()) as { data: JaegerTrace[] }
      return data.length === 1 && isWhole(data[0]!)
    })
    const odd = await oddOf(workspace, own)
    if (odd.join() !== ODD[index]!.join())
      throw new Error(`${name}: the doctor says ${odd.join(', ') || 'nothing'}, not ${ODD[index]!.join(', ')}`)
    say(`  ✓ ${name}: the trace of ${service} is whole; the doctor says: ${odd.join(', ') || 'nothing'}`)
  }
  await stopAll(setting)
}

function snippets(workspace: string): { readonly name: string; readonly text: string }[] {
  const tutorial = process.env['SPOOR_TUTORIAL']
  const names = ['explained', 'short']
  if (tutorial === undefined)
    return names.map((name) => ({
      name,
      text: readFileSync(join(workspace, `e2e/python/tutorial/${name}.py`), 'utf8'),
    }))
  // One block has both, with a line of # between.
  const [, block = ''] = /^```python\n(.*?)^```/ms.exec(readFileSync(tutorial, 'utf8')) ?? []
  const parts = block.split(/^#{5,}[ \t]*$/m)
  if (parts.length !== names.length) throw new Error(`${tutorial}: its first block of Python has no two snippets`)
  return names.map((name, index) => ({ name, text: parts[index]! }))
}

async function services(): Promise<string[]> {
  const { data } = (await (await fetch(`${PAGE}/api/services`)).json()) as { data: string[] | null }
  return data ?? []
}

function isWhole({ spans }: JaegerTrace): boolean {
  const ids = new Set(spans.map(({ spanID }) => spanID))
  const orphans = spans.filter(({ references }) => references.some(({ spanID }) => !ids.has(spanID)))
  const names = spans.map(({ operationName }) => operationName).sort()
  return orphans.length === 0 && names.join() === OPERATIONS.join()
}

/** What the doctor has to say of the application in a folder, by code. */
async function oddOf(workspace: string, directory: string): Promise<string[]> {
  const program = join(workspace, 'packages/server/bin/spoor.js')
  const env = {
    ...process.env,
    VIRTUAL_ENV: cache,
    OTEL_SERVICE_NAME: 'tutorial',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
  }
  const asked = execute(process.execPath, [program, 'doctor', '--json', '--directory', directory], {
    env,
    timeout: RUN_MS,
  })
  // It ends with 1 where what it finds loses spans.
  const { stdout } = await asked.catch((error: unknown) => error as { readonly stdout: string })
  const { diagnoses } = JSON.parse(stdout) as { diagnoses: { readonly code: string }[] }
  return diagnoses.map(({ code }) => code).sort()
}
