/**
 * A process that takes the lock of a directory (argv: directory, then what to do) and says on stdout how that went: `held`, or the error's
 * code and message. `hold` keeps it until it is killed; `cycle` takes and gives back until it is killed.
 */
import { writeSync } from 'node:fs'
import { lockDirectory } from './lock.ts'

const [directory, mode] = process.argv.slice(2)
try {
  let unlock = lockDirectory(directory!)
  writeSync(1, 'held\n')
  if (mode === 'hold') setInterval(() => {}, 1000)
  if (mode === 'cycle')
    for (;;) {
      unlock()
      unlock = lockDirectory(directory!)
    }
} catch (error) {
  writeSync(1, `${(error as { code?: string }).code} ${(error as Error).message}\n`)
}
