import { setTimeout as delay } from 'node:timers/promises'
import { endEarlyThreads } from '@spoor/storage/early'
import { openLocalStore, StorageError, type StoreEvent, type TraceStore } from '@spoor/storage'
import type { Logger } from '@spoor/collector'
import { SpoorError } from './error.ts'
import type { SpoorOptions } from './spoor.ts'

/** A store that is away is tried again, after so long the first time, and at most. Milliseconds. */
const FIRST_WAIT_MS = 500
const MOST_WAIT_MS = 5_000
/** Between two lines of the log about one that stays away. Milliseconds. */
const TOLD_APART_MS = 60_000

export function openDirectory(
  directory: string,
  { maxDiskBytes, maxAgeMs, keep, reserveBytes, readOnly, signal }: SpoorOptions,
  onEvent: (event: StoreEvent) => void,
): Promise<TraceStore> {
  return openLocalStore({
    directory,
    onEvent,
    ...(maxDiskBytes !== undefined && { maxBytes: maxDiskBytes }),
    ...(maxAgeMs !== undefined && { maxAgeMs }),
    ...(keep && { keep }),
    ...(reserveBytes !== undefined && { reserveBytes }),
    ...(readOnly !== undefined && { readOnly }),
    ...(signal && { signal }),
  })
}

/** Its code is loaded when it is wanted. Rejects where the store cannot be reached now. */
export async function openRemoteStore(
  store: string,
  { createTables, readOnly, signal }: SpoorOptions,
  onEvent: (event: StoreEvent) => void,
): Promise<TraceStore> {
  endEarlyThreads()
  const { openClickHouseStore, parseClickHouseUrl } = await import('@spoor/storage/clickhouse')
  return openClickHouseStore({
    address: parseClickHouseUrl(store),
    onEvent,
    ...(createTables !== undefined && { create: createTables }),
    ...(readOnly !== undefined && { readOnly }),
    ...(signal && { signal }),
  })
}

/**
 * As {@link openRemoteStore}, and waits for a store that is not there, or not ready: programs that share one start in any order. `onWaiting` hears why, each time. Rejects with what no waiting
 * mends, and when the signal aborts.
 */
export async function awaitRemoteStore(
  store: string,
  options: SpoorOptions,
  onEvent: (event: StoreEvent) => void,
  onWaiting: (reason: string) => void,
  logger: Logger,
): Promise<TraceStore> {
  let toldMs = -Infinity
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, MOST_WAIT_MS)) {
    try {
      return await openRemoteStore(store, options, onEvent)
    } catch (error) {
      if (!(error instanceof StorageError) || !error.retryable || options.signal?.aborted) throw error
      onWaiting(error.message)
      if (performance.now() - toldMs >= TOLD_APART_MS) {
        toldMs = performance.now()
        logger.warn({ error: error.message }, 'the store cannot be opened yet; it is tried again until it can')
      }
    }
    await delay(waitMs, undefined, options.signal && { signal: options.signal })
  }
}

/** Throws SpoorError `data` for tables in which nothing can be stored. */
export function checkStores(store: TraceStore, what: string): void {
  if (store.capabilities.bytes === 'own') return
  throw new SpoorError(
    'data',
    `the tables of ${what} were made by others and have no room for what Spoor stores: name another database, or another table with ?table=NAME; spoor query shows them as they are`,
  )
}
