import os from 'node:os'
import type { Facts } from './report.ts'

/** What the figures were measured on: processor, memory, system and versions. No names of machines or people. */
export function describeMachine(): Facts {
  const cpus = os.cpus()
  // Builders of kernels add names of their own.
  const release = /^[\d.]+/.exec(os.release())?.[0] ?? os.release()
  return [
    ['CPU', `${cpus[0]?.model.trim() ?? 'unknown'}, ${os.availableParallelism()} cores`],
    ['Memory', `${(os.totalmem() / 1024 ** 3).toFixed(0)} GiB`],
    ['System', `${os.type()} ${release}, ${os.arch()}`],
    ['Node', process.version],
  ]
}
