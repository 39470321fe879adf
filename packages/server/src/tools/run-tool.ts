import { constants } from 'node:os'
import { StorageError, type ToolOptions } from '@spoor/storage'
import { endProcess } from '../lifetime/end-process.ts'
import { progressOf, type ToolOutput } from './output.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Runs a tool on a data directory and resolves with its exit code. A signal ends it in order, with the exit code 128 and the signal's number;
 * a second one at once. What a tool had begun is undone, or goes on at the next start.
 */
export async function runTool(output: ToolOutput, work: (options: ToolOptions) => Promise<number>): Promise<number> {
  const controller = new AbortController()
  let told: NodeJS.Signals | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    if (told) endProcess(128 + constants.signals[signal])
    told = signal
    controller.abort()
  }
  const { onProgress, end } = progressOf(output)
  for (const signal of SIGNALS) process.on(signal, onSignal)
  try {
    return await work({ signal: controller.signal, onProgress })
  } catch (error) {
    if (told && error instanceof StorageError && error.code === 'cancelled') return 128 + constants.signals[told]
    throw error
  } finally {
    end()
    for (const signal of SIGNALS) process.off(signal, onSignal)
  }
}
