import { parentPort } from 'node:worker_threads'
import { joinBytes } from '@spoor/otlp'
import { buildTrace, createFindings } from '@spoor/trace'
import type { FromFindingsWorker, ToFindingsWorker } from './protocol.ts'

/* The thread of the rules: a shell around createFindings. */
let findings = createFindings()
let before = process.threadCpuUsage()
let error: string | undefined

parentPort!.on('message', (message: ToFindingsWorker) => {
  try {
    if (message.type === 'trace') {
      findings.add(buildTrace(joinBytes(message.chunks), message.traceId))
      return
    }
  } catch (cause) {
    error ??= `trace ${message.type === 'trace' ? message.traceId : ''}: ${(cause as Error).message}`
    return
  }
  parentPort!.postMessage(answer(message.nowMs), [])
  findings = createFindings()
  before = process.threadCpuUsage()
  error = undefined
})

function answer(nowMs: number): FromFindingsWorker {
  try {
    const found = findings.found(nowMs)
    const { user, system } = process.threadCpuUsage(before)
    return error === undefined ? { findings: found, cpuMs: (user + system) / 1_000 } : { error }
  } catch (cause) {
    return { error: (cause as Error).message }
  }
}
