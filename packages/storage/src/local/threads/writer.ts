import { parentPort, workerData } from 'node:worker_threads'
import { nodeFileSystem } from '../files/file-system.ts'
import { connectThread, systemClock, threadPort } from '../runtime.ts'
import { Writer } from '../write/writer.ts'
import type { PartStart } from './protocol.ts'

/* The thread of the writer: a shell around Writer. */
const { settings } = workerData as PartStart
new Writer(settings, nodeFileSystem, systemClock, connectThread, threadPort(parentPort!)).start()
