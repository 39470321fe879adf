import { parentPort, workerData } from 'node:worker_threads'
import { nodeFileSystem } from '../files/file-system.ts'
import { Reader } from '../read/reader.ts'
import { connectThread, systemClock, threadPort } from '../runtime.ts'
import { garbageWatch } from './garbage.ts'
import type { FromReader, PartStart, ReaderPart, ToReader } from './protocol.ts'

/** What may lie about in buffers: some blocks of spans. Bytes. */
const MAX_GARBAGE = 24 * 1024 * 1024

/* The thread of a reader: a shell around Reader. */
const { settings, part } = workerData as PartStart
const lookForGarbage = garbageWatch(MAX_GARBAGE)
const main = threadPort<ToReader, FromReader>(parentPort!)
new Reader(
  part as ReaderPart,
  settings,
  nodeFileSystem,
  {
    ...systemClock,
    turn() {
      lookForGarbage()
      return systemClock.turn()
    },
  },
  connectThread,
  {
    ...main,
    post(message, transfer) {
      main.post(message, transfer)
      lookForGarbage()
    },
  },
).start()
