import type { SecureContextOptions } from 'node:tls'
import { isDeepStrictEqual } from 'node:util'
import { timerMs } from './sleep.ts'

/** TLS options from files that may change. */
export interface TlsFiles<T extends SecureContextOptions> {
  readonly options: T
  /** Reads the files anew. True when what is there is other than before. */
  refresh(): boolean
  stop(): void
}

export interface TlsFilesEvents<T> {
  /** The files have changed, and these are the options now. May throw where they are not good for anything. */
  readonly changed: (options: T) => void
  /** They cannot be used; what was read before holds. */
  readonly failed: (error: Error) => void
}

/** `read`: the options, with the files as they are now; what it throws at first is thrown. `intervalMs`: how often it is looked at; 0: never. */
export function createTlsFiles<T extends SecureContextOptions>(
  read: () => T,
  intervalMs: number,
  { changed, failed }: TlsFilesEvents<T>,
): TlsFiles<T> {
  let options = read()
  const refresh = (): boolean => {
    try {
      const now = read()
      if (isDeepStrictEqual(now, options)) return false
      changed(now)
      options = now
      return true
    } catch (error) {
      failed(error as Error)
      return false
    }
  }
  const timer = intervalMs > 0 ? setInterval(refresh, timerMs(intervalMs)).unref() : undefined
  return {
    get options() {
      return options
    },
    refresh,
    stop: () => clearInterval(timer),
  }
}
