import { parentPort, workerData } from 'node:worker_threads'
import { nodeFileSystem } from '../files/file-system.ts'
import { Reader } from '../read/reader.ts'
import { connectThread, systemClock, threadPort } from '../runtime.ts'
import type { PartStart, ReaderPart } from './protocol.ts'

/* The thread of a reader: a shell around Reader. */
const { settings, part } = workerData as PartStart
new Reader(part as ReaderPart, settings, nodeFileSystem, systemClock, connectThread, threadPort(parentPort!)).start()
