import { parentPort } from 'node:worker_threads'
import { nodeFileSystem } from '../files/file-system.ts'
import { connectThread, systemClock, threadPort } from '../runtime.ts'
import { Sealer } from '../seal/sealer.ts'
import { threadCollector } from './garbage.ts'
import { onceToldSettings } from './part-start.ts'
import { giveWay } from './priority.ts'

/** It gives way to all other threads. */
const NICE = 10
giveWay(NICE)

/* The thread of the sealer: a shell around Sealer. */
const collect = threadCollector()
onceToldSettings((settings) =>
  new Sealer(settings, nodeFileSystem, systemClock, connectThread, threadPort(parentPort!), () =>
    collect('major'),
  ).start(),
)
