/** Asks the control of a world that runs. */
import type { FaultSwitch } from '../faults/board.ts'
import type { WorldAnswer } from './server.ts'

/** A world that runs, as its control shows it. */
export interface RunningWorld {
  describe(): Promise<WorldAnswer>
  switchOn(fault: string, at: string, parameters?: Readonly<Record<string, unknown>>): Promise<FaultSwitch>
  switchOff(fault: string, at: string): Promise<void>
  clear(): Promise<void>
}

/** @param url As `http://127.0.0.1:5009`. Its functions reject with what the control says, or that there is none. */
export function runningWorld(url: string): RunningWorld {
  async function ask<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${url}${path}`, { method, ...(body && { body: JSON.stringify(body) }) }).catch(
      (cause: unknown) => {
        throw new Error(`no world runs at ${url}; start one in another terminal: npm start`, { cause })
      },
    )
    const answer = (await response.json()) as T & { readonly error?: string }
    if (!response.ok) throw new Error(answer.error ?? `the world answers ${response.status}`)
    return answer
  }
  const path = (fault: string, at: string): string => `/faults/${fault}/${encodeURIComponent(at)}`
  return {
    describe: () => ask('GET', '/world'),
    switchOn: (fault, at, parameters = {}) => ask('PUT', path(fault, at), parameters),
    switchOff: async (fault, at) => {
      await ask('DELETE', path(fault, at))
    },
    clear: async () => {
      await ask('DELETE', '/faults')
    },
  }
}
