import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Running } from './running.ts'

/** On the disk of the work tree: a temporary folder may be in memory, where making data durable costs nothing. */
const CACHE = fileURLToPath(new URL('../../../.cache/', import.meta.url))

/** Processes and a folder that belong to one piece of work. */
export interface Belongings {
  /** A new, empty folder. */
  readonly folder: string
  /** Takes a process that is being started. */
  readonly own: <T extends Running>(starting: Promise<T>) => Promise<T>
  /** Stops the processes, then removes the folder. */
  close(): Promise<void>
}

export async function createBelongings(): Promise<Belongings> {
  await mkdir(CACHE, { recursive: true })
  const folder = await mkdtemp(join(CACHE, 'bench-'))
  const processes: Running[] = []
  return {
    folder,
    own: async (starting) => {
      const started = await starting
      processes.push(started)
      return started
    },
    async close() {
      await Promise.all(processes.map((process) => process.stop()))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Runs `work`, and clears up after it however it ends. */
export async function together<T>(work: (belongings: Belongings) => Promise<T>): Promise<T> {
  const belongings = await createBelongings()
  try {
    return await work(belongings)
  } finally {
    await belongings.close()
  }
}
