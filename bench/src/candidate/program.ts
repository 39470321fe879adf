import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { READY_MS } from '../process/start.ts'
import { track, type Running } from '../process/running.ts'

/** The program `spoor` as its user starts it, and the addresses that it prints. */
export interface Program extends Running {
  /** `host:port` */
  readonly grpc: string
  readonly http: string
  /** URL of the page and the query APIs; '' for a collector alone. */
  readonly page: string
}

/** `spoor` with a data directory, all else as it comes. */
export function startSpoor(data: string): Promise<Program> {
  const ports = ['--page-port', '0', '--otlp-grpc-port', '0', '--otlp-http-port', '0']
  return startProgram(['--data', data, ...ports, '--log-level', 'warn'])
}

/** Several collectors run at a time, and one alone could have its metrics' port. */
const NO_METRICS = 'service.telemetry.metrics.level=none'

/** `spoor collector` with a configuration. `folder` is where its file is written. */
export async function startCollector(folder: string, name: string, yaml: string): Promise<Program> {
  const file = join(folder, `${name}.yaml`)
  await writeFile(file, yaml)
  return startProgram(['collector', '--config', file, '--set', NO_METRICS, '--log-level', 'warn'])
}

async function startProgram(args: readonly string[]): Promise<Program> {
  const child = spawn(process.execPath, [...process.execArgv, mainModule(), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const tracked = track(child, 'spoor')
  const text = await new Promise<string>((resolve, reject) => {
    let printed = ''
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`spoor was not ready within ${READY_MS / 1000} s; it printed: ${printed}`))
    }, READY_MS)
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      reject(new Error(`spoor ${args.join(' ')} ended at its start (${signal ?? `code ${code}`}); its output is above`))
    })
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      printed += chunk
      if (!printed.includes('Ctrl-C stops')) return
      clearTimeout(timer)
      resolve(printed)
    })
  })
  const address = (label: RegExp): string => new RegExp(`${label.source}\\s+(\\S+)`, 'i').exec(text)?.[1] ?? ''
  const [grpc, http, page] = [address(/grpc/), address(/otlp http/), address(/page/)]
  if (!grpc || !http) throw new Error(`spoor printed no OTLP addresses:\n${text}`)
  return { ...tracked, grpc: grpc.replace(/^\w+:\/\//, ''), http: http.replace(/^\w+:\/\//, ''), page }
}

/** The command's module, beside the package's entry: source or build, as the conditions of this process say. */
function mainModule(): string {
  const entry = import.meta.resolve('spoor')
  const main = fileURLToPath(new URL(entry.endsWith('.ts') ? 'main.ts' : 'main.js', entry))
  if (!existsSync(main)) throw new Error(`${main} is missing: npm run types`)
  return main
}
