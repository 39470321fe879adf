/** What the receiver needs of a client: to be in a group, to fetch from partitions, and to commit how far it has come. Behind an interface for the tests of what is around it. */

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface Position extends TopicPartition {
  /** Of the next message. */
  readonly offset: bigint
}

export interface FetchedRecord {
  readonly offset: bigint
  readonly timestampMs: number
  /** Null for one that only deletes. */
  readonly value: Uint8Array | null
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** What has come of one partition. */
export interface Fetched extends TopicPartition {
  readonly records: readonly FetchedRecord[]
  /** Where to go on; beyond the last record where others were skipped, as those of a transaction that was given up. */
  readonly next: bigint
  /** The offset behind the last message that there is. */
  readonly end: bigint
  /** Of all values. */
  readonly bytes: number
}

export interface GroupEvents {
  /** Which partitions are the receiver's, all of them, each time that they were divided anew. */
  assigned(partitions: readonly TopicPartition[]): void
  /**
   * The group divides them anew: what is not committed by the end of it, somebody may read again. `owned`: those that are still the receiver's; it is the last
   * chance to commit others.
   */
  rebalancing(owned: readonly TopicPartition[]): void
  /** It goes on, but not well: heartbeats fail. Undefined: they are answered again. */
  troubled(error: unknown): void
  /** It cannot go on: another group client has to be opened. */
  failed(error: unknown): void
}

export interface GroupClient {
  /** Joins the group with these topics, or again with others. Resolves when partitions were assigned. */
  join(topics: readonly string[]): Promise<void>
  /** Of the topics, those that there are, and how many partitions each has; asked anew. */
  partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** Where the group has come to, or where a partition is begun that it has not read yet. `isNew`: that is so. */
  positions(partitions: readonly TopicPartition[]): Promise<readonly (Position & { readonly isNew: boolean })[]>
  /** The broker that a partition is fetched from; undefined where that is not known now. */
  nodeOf(partition: TopicPartition): number | undefined
  /** Waits for `max_fetch_wait` at most. */
  fetch(node: number, positions: readonly Position[]): Promise<FetchAnswer>
  commit(positions: readonly Position[]): Promise<void>
  /** Leaves the group. */
  close(): Promise<void>
  refresh(): void
}

export interface FetchAnswer {
  readonly fetched: readonly Fetched[]
  readonly moved: readonly Moved[]
  /** What is wrong with others of the partitions. */
  readonly error?: unknown
}

/** A position that is not in the log: before its first message, as that was deleted, or beyond its last. */
export interface Moved extends Position {
  readonly from: bigint
}
