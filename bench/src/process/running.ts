import type { ChildProcess } from 'node:child_process'

/** A process that the bench has started. */
export interface Running {
  readonly pid: number
  /** Asks it to end (SIGTERM), and makes it (SIGKILL) when it has not within ten seconds. */
  stop(): Promise<void>
}

const STOP_MS = 10_000

const running = new Set<Running>()

/** Keeps a started process in the list of those that {@link stopAll} stops. */
export function track(child: ChildProcess, name: string): Running {
  const { pid } = child
  if (pid === undefined) throw new Error(`${name} could not be started`)
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      running.delete(tracked)
      resolve()
    })
  })
  const tracked: Running = {
    pid,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await ended
      clearTimeout(timer)
    },
  }
  running.add(tracked)
  return tracked
}

/** Stops every process that still runs. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((process) => process.stop()))
}
