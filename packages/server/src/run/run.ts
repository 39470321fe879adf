import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { connect } from 'node:net'
import { SpoorError } from '../error.ts'
import { createLookup } from './lookup.ts'
import { planRun, type RunSettings } from './plan.ts'

/** Signals that are handed on. Ctrl-C reaches the command by itself, as it shares the terminal. */
const HANDED_ON = ['SIGTERM', 'SIGHUP'] as const

export interface RunOptions extends RunSettings {
  readonly directory: string
  readonly env: NodeJS.ProcessEnv
  readonly say: (line: string) => void
}

/**
 * Runs a command traced, in this terminal, and resolves with its exit code; 128 and the signal's number where a signal
 * has ended it. Throws SpoorError `option` when there is no such command.
 */
export async function runTraced(command: readonly string[], options: RunOptions): Promise<number> {
  const { directory, env, say } = options
  const plan = planRun(command, options, env, createLookup(directory, env))
  for (const note of plan.notes) say(note)
  const environment = { ...env, ...plan.env }
  const endpoint = environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? environment['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? ''
  // Said beside the start, and not before it.
  void isRefused(endpoint).then((refused) => {
    if (refused) say(`nothing listens at ${endpoint}: start Spoor in another terminal with: npx spoor`)
  })

  const child = spawn(plan.file, plan.args, { cwd: directory, env: environment, stdio: 'inherit' })
  const handOn = (signal: NodeJS.Signals): void => void child.kill(signal)
  const wait = (): void => {}
  for (const signal of HANDED_ON) process.on(signal, handOn)
  process.on('SIGINT', wait)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on('error', (error: NodeJS.ErrnoException) =>
        reject(
          new SpoorError(
            'option',
            `cannot run ${plan.file}: ${error.code === 'ENOENT' ? 'there is no such command' : error.message}`,
          ),
        ),
      )
      child.on('close', (code, signal) => resolve(signal ? 128 + constants.signals[signal] : (code ?? 1)))
    })
  } finally {
    for (const signal of HANDED_ON) process.off(signal, handOn)
    process.off('SIGINT', wait)
  }
}

/** Whether nobody listens there. An address that cannot be understood is the SDK's to tell. */
function isRefused(endpoint: string): Promise<boolean> {
  if (!URL.canParse(endpoint)) return Promise.resolve(false)
  const { protocol, hostname, port } = new URL(endpoint)
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port) || (protocol === 'https:' ? 443 : 80),
    })
    socket.unref()
    socket.on('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const [first] = (error as { errors?: NodeJS.ErrnoException[] }).errors ?? [error]
      resolve(first?.code === 'ECONNREFUSED')
    })
  })
}
