import { parentPort } from 'node:worker_threads'
import { nodeFileSystem } from '../files/file-system.ts'
import { Reader } from '../read/reader.ts'
import { connectThread, systemClock, threadPort } from '../runtime.ts'
import { garbageWatch } from './garbage.ts'
import { onceToldSettings, ownPart } from './part-start.ts'
import { giveWay } from './priority.ts'
import type { FromReader, ReaderPart, ToReader } from './protocol.ts'

/** What may lie about in buffers: some blocks of spans. Bytes. */
const MAX_GARBAGE = 12 * 1024 * 1024

/** Searches give way to acknowledgements and to lookups by id, but not as far as sealing does. */
const SEARCH_NICE = 5

/* The thread of a reader: a shell around Reader. */
const part = ownPart()
if (part === 'search_reader') giveWay(SEARCH_NICE)
const lookForGarbage = garbageWatch(MAX_GARBAGE)
const main = threadPort<ToReader, FromReader>(parentPort!)
onceToldSettings((settings) =>
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
  ).start(),
)
