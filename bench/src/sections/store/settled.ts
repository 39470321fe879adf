import { setTimeout as sleep } from 'node:timers/promises'
import type { Program } from '../../candidate/program.ts'
import { cpuSeconds } from '../../process/usage.ts'

/** A process that uses less than this share of a core for so many seconds has nothing more to do. */
const IDLE_SHARE = 0.1
const IDLE_SECONDS = 3

/** How long background work may take, in milliseconds. */
const PATIENCE_MS = 900_000

/** Resolves when a program that nobody asks and sends to has done what it does by itself. */
export async function settled({ pid }: Program): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  for (let idle = 0; idle < IDLE_SECONDS;) {
    if (performance.now() > deadline) throw new Error(`spoor was still at work after ${PATIENCE_MS / 1000} s`)
    const before = cpuSeconds(pid)
    await sleep(1_000)
    idle = cpuSeconds(pid) - before < IDLE_SHARE ? idle + 1 : 0
  }
}
