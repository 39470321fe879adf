/** One partition that is the receiver's: what was fetched of it and is not handed on, and how far the group may go on. */
import { aborted, follow, type Lease } from '../../component/index.ts'
import { groupsOf, type Deliveries } from './delivery.ts'
import type { Fetched, FetchedRecord, TopicPartition } from './group.ts'

export interface PartitionEvents {
  /** Messages up to here, it not included, are dealt with. Not called once the partition is the receiver's no more. */
  marked(offset: bigint): void
  /** There is less to hand on than before: more may be fetched. */
  drained(): void
  /** It stops here, as a message was refused for good. */
  blocked(): void
}

interface Portion {
  readonly groups: FetchedRecord[][]
  readonly next: bigint
  readonly bytes: number
  readonly lease: Lease | undefined
}

export interface PartitionOptions extends TopicPartition {
  readonly offset: bigint
  /** Whether messages are marked once they are handed on, and not before. */
  readonly marksAfter: boolean
}

export class Partition implements TopicPartition {
  readonly topic: string
  readonly partition: number
  /** Where to fetch from. */
  next: bigint
  /** The offset behind the last message that there is, as of the last fetch; undefined before it. */
  end: bigint | undefined
  /** Messages before it are dealt with. */
  marked: bigint
  readonly #marksAfter: boolean
  readonly #deliveries: Deliveries
  readonly #events: PartitionEvents
  readonly #portions: Portion[] = []
  readonly #given = new AbortController()
  readonly #closing = new AbortController()
  #bytes = 0
  #isBlocked = false
  #isClosed = false
  #working: Promise<void> | undefined

  constructor(
    { topic, partition, offset, marksAfter }: PartitionOptions,
    deliveries: Deliveries,
    events: PartitionEvents,
  ) {
    this.topic = topic
    this.partition = partition
    this.next = offset
    this.marked = offset
    this.#marksAfter = marksAfter
    this.#deliveries = deliveries
    this.#events = events
  }

  /** Of the messages that are fetched and not handed on. */
  get bytes(): number {
    return this.#bytes
  }

  get isBlocked(): boolean {
    return this.#isBlocked
  }

  /** Whether it may be fetched from: it goes on, and has less than so many bytes to hand on. */
  wantsMore(maxBytes: number): boolean {
    return !this.#isClosed && !this.#isBlocked && this.#bytes < maxBytes
  }

  /** Takes what was fetched, with the right to hold it. */
  offer({ records, next, bytes }: Fetched, lease: Lease | undefined): void {
    this.next = next
    this.#portions.push({ groups: groupsOf(records), next, bytes, lease })
    this.#bytes += bytes
    this.#working ??= this.#work().finally(() => (this.#working = undefined))
  }

  /** Goes on elsewhere, as what would be next is not there. */
  moveTo(offset: bigint): void {
    this.next = offset
    if (this.#portions.length === 0) this.#mark(offset)
  }

  /** It is the receiver's no more: what was not handed on is somebody else's. */
  revoke(): void {
    this.#isClosed = true
    this.#given.abort()
    this.#closing.abort()
    for (const portion of this.#portions.splice(0)) this.#release(portion)
  }

  /** Finishes what is being handed on, and begins nothing more. Resolves then, or when the signal aborts. */
  async close(signal: AbortSignal): Promise<void> {
    // The first is being worked on.
    for (const portion of this.#portions.splice(1)) this.#release(portion)
    this.#portions[0]?.groups.splice(0)
    this.#isBlocked = true
    this.#closing.abort()
    const unfollow = follow(signal, this.#given)
    await Promise.race([this.#working, aborted(signal)])
    unfollow()
  }

  async #work(): Promise<void> {
    for (;;) {
      const portion = this.#portions[0]
      if (!portion) return
      const isDone = await this.#handOn(portion)
      if (this.#portions[0] === portion) {
        this.#portions.shift()
        this.#release(portion)
      }
      if (!isDone) {
        for (const rest of this.#portions.splice(0)) this.#release(rest)
        return
      }
      if (!this.#isBlocked) this.#mark(portion.next)
      this.#events.drained()
    }
  }

  async #handOn({ groups }: Portion): Promise<boolean> {
    for (let group = groups.shift(); group; group = groups.shift()) {
      const behind = group.at(-1)!.offset + 1n
      if (!this.#marksAfter) this.#mark(behind)
      const outcome = await this.#deliveries.deliver(group, this, {
        given: this.#given.signal,
        closing: this.#closing.signal,
      })
      if (outcome === 'blocked') {
        this.#isBlocked = true
        this.#events.blocked()
      }
      if (outcome !== 'done') return false
      this.#mark(behind)
    }
    return true
  }

  #mark(offset: bigint): void {
    if (this.#isClosed || offset <= this.marked) return
    this.marked = offset
    this.#events.marked(offset)
  }

  #release({ bytes, lease }: Portion): void {
    this.#bytes -= bytes
    lease?.release()
  }
}
