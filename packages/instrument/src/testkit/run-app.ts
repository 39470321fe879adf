import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

// Each run loads some 400 modules; compiled once, they load in two thirds of the time.
const compileCache = process.env['NODE_COMPILE_CACHE']
const packageFolder = fileURLToPath(new URL('../..', import.meta.url))

export interface RunOptions {
  /** False: without `--import @spoor/instrument/register`. Default true. */
  readonly register?: boolean
  readonly env?: Record<string, string>
  readonly args?: readonly string[]
  /** Called for each line of stdout, so that a test can act on it. */
  readonly onLine?: (line: string, child: ChildProcess) => void
}

export interface RunResult {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
}

/** Runs an application of `fixtures/` as users run theirs: a process of its own, preloaded from outside. */
export function runApp(file: string, options: RunOptions = {}): Promise<RunResult> {
  const started = performance.now()
  const child = spawn(
    process.execPath,
    [
      '--conditions=@spoor/source',
      ...(options.register === false ? [] : ['--import', '@spoor/instrument/register']),
      resolve(packageFolder, 'fixtures', file),
      ...(options.args ?? []),
    ],
    {
      cwd: packageFolder,
      env: {
        PATH: process.env['PATH'],
        ...(compileCache && { NODE_COMPILE_CACHE: compileCache }),
        OTEL_SERVICE_NAME: 'shop',
        // Several run at a time, and may get little of the machine.
        SPOOR_EXIT_DEADLINE_MS: '30000',
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    for (const line of text.split('\n')) if (line) options.onLine?.(line, child)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr, ms: performance.now() - started }))
  })
}
