/** What the threads of the local engine say to each other. */
import type { MessagePort } from 'node:worker_threads'
import type { Dependencies, Operation, SearchPage, SearchQuery, StorageErrorCode } from '../../contract.ts'
import type { StoreEvent } from '../../events.ts'
import type { LocalStoreSettings } from '../options.ts'
import type { BlockRows } from '../block/rows.ts'
import type { Damaged } from '../files/index-file.ts'

export interface WorkerStart {
  readonly settings: LocalStoreSettings
  /** Between writer and reader: carries {@link Change}. */
  readonly port: MessagePort
}

/** An error as it crosses a thread boundary; see `error.ts`. */
export interface ErrorMessage {
  readonly code: StorageErrorCode
  readonly message: string
}

/** Main -> writer. `ends[i]` is where batch `ids[i]` ends in the slab; batches lie end to end. */
export type ToWriter =
  | {
      readonly type: 'append'
      readonly slab: ArrayBuffer
      readonly ids: readonly number[]
      readonly ends: readonly number[]
    }
  | { readonly type: 'close' }

/** Writer -> main. The slabs come back to be filled again. */
export type FromWriter =
  | { readonly type: 'opened'; readonly recovered: { readonly blocks: number; readonly tornBytes: number } }
  | { readonly type: 'failed'; readonly error: ErrorMessage }
  | { readonly type: 'durable'; readonly ids: readonly number[]; readonly slabs: readonly ArrayBuffer[] }
  | {
      readonly type: 'rejected'
      readonly ids: readonly number[]
      readonly slabs: readonly ArrayBuffer[]
      readonly error: ErrorMessage
    }
  | { readonly type: 'closed'; readonly error?: ErrorMessage }
  | { readonly type: 'event'; readonly event: StoreEvent }

/** Writer -> reader: how the blocks of the store change, in order. */
export type Change =
  | { readonly type: 'segment'; readonly id: number; readonly indexSize: number }
  /** Rows for the segment's open block. */
  | { readonly type: 'rows'; readonly id: number; readonly rows: BlockRows }
  /** The open block has become the block at `offset` of the index. */
  | { readonly type: 'block'; readonly id: number; readonly offset: number; readonly indexSize: number }
  /** The open block is complete, but its index could not be written: it stays in memory. */
  | { readonly type: 'keep'; readonly id: number }
  /**
   * A part of the segment cannot be read, and no index block says so: searches over this range of time (nanoseconds since 1970, decimal)
   * are not complete.
   */
  | { readonly type: 'lost'; readonly id: number; readonly damaged: Damaged; readonly range: readonly [string, string] }
  | { readonly type: 'drop'; readonly id: number }

/** Main -> reader. */
export type ToReader =
  | { readonly id: number; readonly call: Call; readonly timeoutMs: number }
  /** The caller is not interested any more. */
  | { readonly id: number; readonly cancel: true }

export type Call =
  | { readonly method: 'search'; readonly query: SearchQuery }
  | { readonly method: 'openTrace'; readonly traceId: string }
  | { readonly method: 'nextTrace'; readonly stream: number }
  | { readonly method: 'closeTrace'; readonly stream: number }
  | { readonly method: 'services' }
  | { readonly method: 'operations'; readonly service: string | undefined; readonly kind: number | undefined }
  | { readonly method: 'attributeKeys'; readonly limit: number }
  | { readonly method: 'attributeValues'; readonly key: string; readonly limit: number }
  | { readonly method: 'dependencies'; readonly from: bigint; readonly to: bigint }
  | { readonly method: 'stats' }
  | { readonly method: 'close' }

export interface Results {
  search: SearchPage
  /** A number for `nextTrace`. */
  openTrace: number
  nextTrace: { readonly chunks: readonly Uint8Array[]; readonly done: boolean }
  closeTrace: undefined
  services: string[]
  operations: Operation[]
  attributeKeys: string[]
  attributeValues: string[]
  dependencies: Dependencies
  stats: ReaderStats
  close: undefined
}

export interface ReaderStats {
  readonly spans: number
  readonly blocks: number
  readonly segments: number
  readonly oldest: bigint | undefined
  readonly newest: bigint | undefined
}

/** Reader -> main. */
export type FromReader =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: ErrorMessage }
  | { readonly event: StoreEvent }
