import { setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { nodeFileSystem } from '../files/file-system.ts'
import { connectThread, systemClock, threadPort } from '../runtime.ts'
import { Sealer } from '../seal/sealer.ts'
import { threadCollector } from './garbage.ts'
import { onceToldSettings } from './part-start.ts'

/** It gives way to all other threads: on Linux, 0 is the calling thread alone; elsewhere it would be the whole process. */
const NICE = 10
if (process.platform === 'linux') setPriority(0, NICE)

/* The thread of the sealer: a shell around Sealer. */
const collect = threadCollector()
onceToldSettings((settings) =>
  new Sealer(settings, nodeFileSystem, systemClock, connectThread, threadPort(parentPort!), () =>
    collect('major'),
  ).start(),
)
