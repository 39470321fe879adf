import { StorageError } from '../../contract.ts'
import { createRows, type BlockRows } from '../block/rows.ts'
import type { Block } from './block.ts'
import type { Zones } from '../block/zones.ts'

/** A range of time in which spans are missing that no block knows of. */
export class LostBlock implements Block {
  readonly spans = 0
  readonly minStart: bigint
  readonly maxStart: bigint
  readonly zones: Zones = { minDurationNs: 0, maxDurationNs: 0, kinds: 0, statuses: 0 }
  readonly operations = []
  readonly damaged = true

  /** Why the file system does not give them out; they come back when it does. Undefined: they are damaged for good. */
  readonly refusal: string | undefined

  /** Nanoseconds since 1970, decimal. */
  constructor([min, max]: readonly [string, string], refusal?: string) {
    this.minStart = BigInt(min)
    this.maxStart = BigInt(max)
    this.refusal = refusal
  }

  mayHaveService(): boolean {
    return false
  }

  mayHaveTrace(): boolean {
    return false
  }

  mayHaveAttribute(): boolean {
    return false
  }

  rows(): BlockRows {
    return createRows(0)
  }

  traceRows(): undefined {
    return undefined
  }

  values(): undefined {
    return undefined
  }

  spanBytes(): Uint8Array {
    throw new StorageError('corrupt', 'the spans of this range cannot be read')
  }
}
