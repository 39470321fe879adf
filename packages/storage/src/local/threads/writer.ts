import { parentPort } from 'node:worker_threads'
import { nodeFileSystem } from '../files/file-system.ts'
import { connectThread, systemClock, threadPort } from '../runtime.ts'
import { Writer } from '../write/writer.ts'
import { onceToldSettings } from './part-start.ts'

/* The thread of the writer: a shell around Writer. */
onceToldSettings((settings) =>
  new Writer(settings, nodeFileSystem, systemClock, connectThread, threadPort(parentPort!)).start(),
)
