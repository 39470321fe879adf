import type { Collector, ConfigText, Logger } from '@spoor/collector'
import { watchFiles } from './watch-files.ts'

/** What takes another configuration while it runs. */
export type Reloadable = Pick<Collector, 'reload' | 'files'>

export interface ConfigReload {
  /** Reads the configuration again and changes to it; before {@link begin}, once that is called. */
  request(): void
  /** From now on there is something to change. */
  begin(target: Reloadable): void
  /** Changes nothing any more. */
  end(): void
}

export interface ConfigReloadOptions {
  /** Reads the configuration. Rejects with an error for a person. */
  readonly read: () => Promise<readonly ConfigText[]>
  readonly logger: Logger
  /** Prints a line for a person, whatever the level of the log. */
  readonly say: (line: string) => void
  /** Whether its files are watched, too. */
  readonly watch: boolean
}

/**
 * Reloads of a configuration, by a signal or when its files change; one after the other. One that is wrong is told with its places, and
 * what runs goes on as it is.
 */
export function createConfigReload({ read, logger, say, watch }: ConfigReloadOptions): ConfigReload {
  let target: Reloadable | undefined
  let isRequested = false
  let running: Promise<void> | undefined
  let unwatch = (): void => {}

  async function reload(to: Reloadable): Promise<void> {
    isRequested = false
    try {
      await to.reload(await read())
      say('the configuration was reloaded')
    } catch (error) {
      const { message } = error as Error
      logger.error({ error: message }, 'The configuration was not reloaded; the one before goes on.')
      say(`the configuration was not reloaded, the one before goes on:\n${message}`)
    }
  }

  function run(): void {
    if (!target || !isRequested || running) return
    running = reload(target).finally(() => {
      running = undefined
      // Asked for meanwhile, when the files may have been read already.
      run()
    })
  }

  function request(): void {
    isRequested = true
    run()
  }

  return {
    request,
    begin(given) {
      target = given
      if (watch) unwatch = watchFiles(() => given.files, request)
      run()
    },
    end() {
      target = undefined
      unwatch()
    },
  }
}
