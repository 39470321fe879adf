/** A program that is no Node: started as its user, and gone when this process is, even when that is killed. */
import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { chownSync, existsSync, mkdirSync } from 'node:fs'
import type { User } from './programs.ts'

/** What to run. */
export interface NativeProgram {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd: string
  readonly user: User | undefined
  /** Ends it in order. */
  readonly stopSignal: NodeJS.Signals
}

/** Where a server is found, and by whom. */
export interface ServerPlace {
  /** What it listens on: 127.0.0.1, or 0.0.0.0 in a namespace. */
  readonly host: string
  readonly port: number
  /** Of the user `spoor`. */
  readonly password: string
}

/** One that runs. */
export interface NativeProcess {
  readonly name: string
  /** Resolves with how it ended; never rejects. */
  readonly ended: Promise<string>
  /** Ends it in order. Safe to call twice. */
  stop(): Promise<void>
}

/** Of util-linux: changes the user, and has the kernel send a signal when the parent dies. */
const SETPRIV = '/usr/bin/setpriv'

/** Starts it; its output is this process's. */
export function startNative(program: NativeProgram): NativeProcess {
  const { name, command, args, env, cwd, user, stopSignal } = program
  const [first = command, ...rest] = asUser(user, [command, ...args], stopSignal)
  const child = spawn(first, rest, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'inherit', 'inherit'] })
  const ended = endOf(child)
  return {
    name,
    ended,
    stop: async () => {
      child.kill(stopSignal)
      await ended
    },
  }
}

/** Runs it to its end. @throws When that is not good. */
export function runNative({ command, args, env, cwd, user }: Omit<NativeProgram, 'stopSignal'>): void {
  const [first = command, ...rest] = asUser(user, [command, ...args])
  execFileSync(first, rest, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'inherit', 'inherit'] })
}

/**
 * A folder that its user, and nobody else, can use.
 *
 * @throws Where the user cannot get there, with the way out.
 */
export function ownFolder(folder: string, user: User | undefined): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (!user) return
  chownSync(folder, user.uid, user.gid)
  try {
    runNative({ name: 'test', command: '/usr/bin/test', args: ['-w', folder], cwd: '/', user })
  } catch (cause) {
    throw new Error(
      `${folder} cannot be reached by the user ${user.name}, who runs the servers as root must not; choose another folder: npm start -- --state /var/tmp/spoor`,
      { cause },
    )
  }
}

function asUser(user: User | undefined, command: readonly string[], deathSignal?: NodeJS.Signals): readonly string[] {
  if (!existsSync(SETPRIV)) {
    if (user) throw new Error(`root needs ${SETPRIV} to start servers as another user (Debian: util-linux)`)
    return command
  }
  const who = user ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'] : []
  const death = deathSignal === undefined ? [] : ['--pdeathsig', deathSignal.replace('SIG', '')]
  return [SETPRIV, ...who, ...death, '--', ...command]
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve(message))
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : signal))
  })
}
