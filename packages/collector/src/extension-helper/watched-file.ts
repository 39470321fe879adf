/** A small text file that may change under way, such as a secret that is renewed. */
import { unwatchFile, watchFile } from 'node:fs'
import { CollectorError, readConfigFile, type Context } from '../component/index.ts'

/** How often it is looked at. Milliseconds. By its state, and not by the system's events: those get lost where a directory is a link that changes. */
const LOOK_MS = 1000

export interface WatchedFile {
  /** Reads it, and from then on each time that it has changed. Throws `config` where it cannot be read, or `use` throws. */
  start(): void
  stop(): void
}

/**
 * `key`: the config key that names it. `use`: gets its text; where it throws, or the file cannot be read any more, what was read before goes on to
 * hold, and that is told.
 */
export function createWatchedFile(
  { id, logger }: Context,
  key: string,
  file: string,
  use: (text: string) => void,
): WatchedFile {
  const changed = (now: { mtimeMs: number; ino: number; size: number }, before: typeof now): void => {
    if (now.mtimeMs === before.mtimeMs && now.ino === before.ino && now.size === before.size) return
    try {
      use(readConfigFile(key, file).toString())
      logger.info({ component: id, file }, 'Read a file anew that has changed.')
    } catch (error) {
      const fields = { component: id, file, error: (error as Error).message }
      logger.error(fields, 'A file has changed and cannot be used. What was read before goes on to hold.')
    }
  }
  return {
    start() {
      try {
        use(readConfigFile(key, file).toString())
      } catch (error) {
        throw new CollectorError('config', (error as Error).message, { cause: error })
      }
      watchFile(file, { interval: LOOK_MS, persistent: false }, changed)
    },
    stop: () => unwatchFile(file, changed),
  }
}
