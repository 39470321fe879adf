import { parentPort, workerData } from 'node:worker_threads'
import { nodeFileSystem } from '../files/file-system.ts'
import { systemClock, threadPort } from '../runtime.ts'
import { Writer } from '../write/writer.ts'
import type { WorkerStart } from './protocol.ts'

/* The writer thread: a shell around Writer. */
const { settings, port } = workerData as WorkerStart
new Writer(settings, nodeFileSystem, systemClock, threadPort(port), threadPort(parentPort!)).start()
