import { parentPort } from 'node:worker_threads'
import { makeReport } from './report.ts'
import type { FromReportWorker, ToReportWorker } from './protocol.ts'

/* The report thread: a shell around makeReport. */
let chunks: Uint8Array[] = []
parentPort!.on('message', (message: ToReportWorker) => {
  if (message.type === 'chunk') {
    chunks.push(message.bytes)
    return
  }
  let answer: FromReportWorker
  try {
    answer = { body: makeReport(message.kind, chunks, message.traceId) }
  } catch (error) {
    answer = { error: (error as Error).message }
  }
  chunks = []
  parentPort!.postMessage(answer, [])
})
