import { parentPort, workerData } from 'node:worker_threads'
import { nodeFileSystem } from '../files/file-system.ts'
import { Reader } from '../read/reader.ts'
import { systemClock, threadPort } from '../runtime.ts'
import type { WorkerStart } from './protocol.ts'

/* The reader thread: a shell around Reader. */
const { settings, port } = workerData as WorkerStart
new Reader(settings, nodeFileSystem, systemClock, threadPort(port), threadPort(parentPort!)).start()
