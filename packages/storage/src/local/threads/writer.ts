import { parentPort, workerData } from 'node:worker_threads'
import { nodeFileSystem } from '../files/file-system.ts'
import { toMessage } from './error.ts'
import { Ingest } from '../write/ingest.ts'
import type { FromWriter, ToWriter, WorkerStart } from './protocol.ts'

/* The writer thread: a shell around Ingest. */
const { settings, port } = workerData as WorkerStart
const main = parentPort!
const RETAIN_EVERY_MS = 60_000

function send(message: FromWriter, transfer: ArrayBuffer[] = []): void {
  main.postMessage(message, transfer)
}

const ingest = new Ingest(settings, nodeFileSystem, port, send)
try {
  ingest.open()
  const timer = setInterval(() => ingest.retain(), RETAIN_EVERY_MS)
  main.on('message', (message: ToWriter) => {
    if (message.type === 'append') ingest.append(message.slab, message.ids, message.ends)
    else {
      clearInterval(timer)
      void close()
    }
  })
  send({ type: 'opened', recovered: ingest.recovered })
} catch (error) {
  send({ type: 'failed', error: toMessage(error, `opening ${settings.directory}`) })
  port.close()
}

async function close(): Promise<void> {
  try {
    await ingest.close()
    send({ type: 'closed' })
  } catch (error) {
    send({ type: 'closed', error: toMessage(error, `closing ${settings.directory}`) })
  }
  port.close()
  main.close()
}
