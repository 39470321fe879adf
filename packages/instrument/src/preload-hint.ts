import { isMainThread } from 'node:worker_threads'
import { DiagLogLevel } from '@opentelemetry/api'
import { createReporter } from './reporter.ts'

/** When it is told, milliseconds after the start: a program that starts tracing itself has done so. */
const afterMs = 1_000
const preload = /(?:^|\s)(--import|--require|-r)(?:\s+|=)["']?@spoor\/instrument["']?(?=\s|$)/

/** How Node was told to load this package before the application, and not its register entry; undefined where it was not. */
export function preloadOfIndex(execArgv: readonly string[], nodeOptions = ''): string | undefined {
  return preload.exec(`${execArgv.join(' ')} ${nodeOptions}`)?.[1]
}

/** Says that this package by itself starts nothing, where somebody seems to wait for it. */
export function hintAtRegister(hasStarted: () => boolean): void {
  const option = preloadOfIndex(process.execArgv, process.env['NODE_OPTIONS'])
  if (option === undefined || !isMainThread || process.env['OTEL_LOG_LEVEL'] === 'none') return
  function tell(): void {
    process.off('exit', tell)
    clearTimeout(timer)
    if (hasStarted()) return
    createReporter({ quiet: false, level: DiagLogLevel.WARN }).warn(
      `${option} @spoor/instrument starts nothing by itself; write --import @spoor/instrument/register`,
    )
  }
  const timer = setTimeout(tell, afterMs).unref()
  process.on('exit', tell)
}
