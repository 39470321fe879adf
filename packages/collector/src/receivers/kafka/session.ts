/**
 * One membership of the group, from the first connection to the last: fetches from the brokers that have something to give, hands it to the
 * partitions, and commits what they have marked. It ends when the client cannot go on; the receiver then begins another one.
 */
import { aborted, createLogLimiter, sleep, type Context, type LogLimiter } from '../../component/index.ts'
import { clusterName, toKafkaError } from '../../kafka-helper/index.ts'
import type { KafkaReceiverConfig } from './config.ts'
import type { Deliveries } from './delivery.ts'
import type { Fetched, GroupClient, GroupEvents, Position, TopicPartition } from './group.ts'
import { Partition } from './partition.ts'
import { PartitionFigures } from './figures.ts'

export type OpenGroup = (context: Context, config: KafkaReceiverConfig, events: GroupEvents) => Promise<GroupClient>

/** How often topics that are not there are looked for. Milliseconds. */
const MISSING_MS = 5_000
/** Wait before a broker that has failed is asked again, and before bytes are asked for that could not be had. Milliseconds. */
const AGAIN_MS = 500
const LOG_INTERVAL_MS = 10_000

export interface SessionOptions {
  readonly context: Context
  readonly config: KafkaReceiverConfig
  readonly deliveries: Deliveries
  readonly topics: readonly string[]
  readonly open: OpenGroup
  /** Tells what is wrong, the latest by name; undefined: nothing any more. */
  readonly trouble: (name: string, problem: string | undefined, isPermanent?: boolean) => void
}

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic} ${partition}`

export class Session {
  readonly #options: SessionOptions
  readonly #where: string
  readonly #log: LogLimiter
  readonly #partitions = new Map<string, Partition>()
  readonly #figures: PartitionFigures
  /** Marked and not committed. */
  readonly #dirty = new Map<string, Position>()
  readonly #fetching = new Set<number>()
  readonly #ended = new AbortController()
  #client: GroupClient | undefined
  #failure: unknown
  #committing: Promise<void> | undefined
  #assignment: Promise<void> = Promise.resolve()
  #isClosing = false

  constructor(options: SessionOptions) {
    this.#options = options
    this.#where = clusterName(options.config)
    this.#log = createLogLimiter(options.context.logger, LOG_INTERVAL_MS)
    this.#figures = new PartitionFigures(options.context, options.config)
  }

  /** Resolves when `stopping` aborts. Rejects when it cannot go on. */
  async run(stopping: AbortSignal): Promise<void> {
    const { context, config, open } = this.#options
    const end = AbortSignal.any([stopping, this.#ended.signal])
    this.#client = await open(context, config, {
      assigned: (partitions) => {
        this.#assignment = this.#assignment.then(() => this.#assign(partitions)).catch((error) => this.#fail(error))
      },
      rebalancing: (owned) => this.#giveUp(owned),
      troubled: (error) => this.#trouble('heartbeat', error),
      failed: (error) => this.#fail(error),
    })
    const commits = setInterval(() => void this.#commit(), Math.max(10, config.autocommit.interval))
    try {
      await this.#follow(end)
    } catch (error) {
      this.#failure ??= error
    } finally {
      clearInterval(commits)
    }
    if (this.#failure !== undefined) throw toKafkaError(this.#failure, this.#where)
  }

  refresh(): void {
    this.#client?.refresh()
  }

  /** Finishes what is being handed on, commits it, and leaves the group. */
  async close(signal: AbortSignal): Promise<void> {
    this.#isClosing = true
    await Promise.all([...this.#partitions.values()].map((partition) => partition.close(signal)))
    const leave = async (): Promise<void> => {
      await this.#committing
      await this.#commit()
      await this.#client?.close()
    }
    await Promise.race([leave().catch(() => {}), aborted(signal)])
    this.#abandon()
  }

  /** Joins with the topics that are there, and looks again and again whether there are others, or more partitions. */
  async #follow(end: AbortSignal): Promise<void> {
    const { config, topics } = this.#options
    const { refresh_interval: refreshMs } = config.metadata
    let joined: string | undefined
    while (!end.aborted) {
      let counts: ReadonlyMap<string, number>
      try {
        counts = await this.#client!.partitionCounts(topics)
        this.#trouble('metadata', undefined)
      } catch (error) {
        if (joined === undefined) throw error
        // The membership may outlive that.
        this.#trouble('metadata', error)
        await sleep(Math.min(MISSING_MS, refreshMs), end)
        continue
      }
      const missing = topics.filter((topic) => !counts.has(topic))
      this.#tellMissing(missing)
      const found = JSON.stringify([...counts])
      if (counts.size > 0 && found !== joined) {
        await this.#client!.join([...counts.keys()])
        joined = found
        const fields = { component: this.#options.context.id, topics: [...counts.keys()], group: config.group_id }
        this.#options.context.logger.info(fields, 'Joined the group.')
      }
      await sleep(missing.length > 0 ? Math.min(MISSING_MS, refreshMs) : refreshMs, end)
    }
  }

  #tellMissing(missing: readonly string[]): void {
    const problem =
      missing.length === 0
        ? undefined
        : `${this.#where} has no topic ${missing.join(', ')}; it is read once it is there`
    this.#options.trouble('topics', problem)
    if (problem !== undefined)
      this.#log.warn('topics', { component: this.#options.context.id, topics: missing }, 'A topic is not there.')
  }

  /** Stops those that are the receiver's no more, and commits what all have come to: at once, before the group goes on. */
  #giveUp(owned: readonly TopicPartition[]): void {
    const lost = this.#lost(owned)
    for (const name of lost) this.#partitions.get(name)!.revoke()
    // Besides one that may be under way already: its answer may come too late.
    const positions = [...this.#dirty.values()]
    for (const name of lost) this.#forget(name)
    if (positions.length > 0) this.#client?.commit(positions).catch((error: unknown) => this.#trouble('commit', error))
  }

  #lost(owned: readonly TopicPartition[]): string[] {
    const names = new Set(owned.map(nameOf))
    return [...this.#partitions.keys()].filter((name) => !names.has(name))
  }

  async #assign(wanted: readonly TopicPartition[]): Promise<void> {
    for (const name of this.#lost(wanted)) {
      this.#partitions.get(name)!.revoke()
      this.#forget(name)
    }
    const fresh = wanted.filter((each) => !this.#partitions.has(nameOf(each)))
    if (fresh.length === 0 || this.#isClosing) return
    const positions = await this.#client!.positions(fresh)
    for (const position of positions) this.#begin(position)
    // Who ends before the first commit would begin at the end of then, and not see what came meanwhile.
    const begun = positions.filter(({ isNew }) => isNew)
    for (const position of begun) this.#dirty.set(nameOf(position), position)
    if (begun.length > 0) void this.#commit()
    this.#pump()
  }

  #begin({ topic, partition, offset }: Position): void {
    const name = nameOf({ topic, partition })
    const { config, deliveries, trouble } = this.#options
    const made = new Partition({ topic, partition, offset, marksAfter: config.message_marking.after }, deliveries, {
      marked: (marked) => {
        this.#dirty.set(name, { topic, partition, offset: marked })
        if (!config.autocommit.enable) void this.#commit()
      },
      drained: () => {
        trouble('pipelines', deliveries.refusal)
        this.#pump()
      },
      blocked: () =>
        trouble(name, `${name} stops, as a message was refused for good; see message_marking.on_permanent_error`, true),
    })
    this.#partitions.set(name, made)
    this.#figures.begin(made)
  }

  #forget(name: string): void {
    this.#partitions.delete(name)
    this.#dirty.delete(name)
    this.#figures.end(name)
    this.#options.trouble(name, undefined)
  }

  /** Asks each broker that is not being asked already for what the partitions want. */
  #pump(): void {
    if (this.#isClosing || this.#ended.signal.aborted) return
    const wanting = [...this.#partitions.values()].filter((each) =>
      each.wantsMore(this.#options.config.max_partition_fetch_size),
    )
    for (const [node, partitions] of Map.groupBy(wanting, (each) => this.#client!.nodeOf(each) ?? -1)) {
      if (this.#fetching.has(node)) continue
      this.#fetching.add(node)
      void this.#fetch(node, partitions).then((waitMs) => {
        const again = (): void => {
          this.#fetching.delete(node)
          this.#pump()
        }
        if (waitMs === 0) again()
        else void sleep(waitMs, this.#ended.signal).then(again)
      })
    }
  }

  /** Gives how long to wait before the next time. */
  async #fetch(node: number, partitions: readonly Partition[]): Promise<number> {
    const { budget } = this.#options.context
    this.#options.trouble('pipelines', this.#options.deliveries.refusal)
    const lease = budget.take(this.#options.config.max_fetch_size, 'body')
    if (!lease) return AGAIN_MS
    const startedAt = performance.now()
    const asked = new Map(partitions.map((partition) => [nameOf(partition), { partition, from: partition.next }]))
    const positions = [...asked.values()].map(({ partition: { topic, partition }, from: offset }) => ({
      topic,
      partition,
      offset,
    }))
    /** It may have gone meanwhile, and come back at another position. */
    const stillIs = (each: TopicPartition): Partition | undefined => {
      const { partition, from } = asked.get(nameOf(each)) ?? {}
      return this.#partitions.get(nameOf(each)) === partition && partition?.next === from ? partition : undefined
    }
    try {
      const { fetched, moved, error } = await this.#client!.fetch(node, positions)
      lease.release()
      this.#figures.fetched(performance.now() - startedAt)
      for (const position of moved) this.#move(position, position.from, stillIs(position))
      let isShort = false
      for (const each of fetched) isShort = !this.#offer(each, stillIs(each)) || isShort
      this.#trouble('fetch', error)
      return error === undefined && !isShort ? 0 : AGAIN_MS
    } catch (error) {
      this.#trouble('fetch', error)
      return AGAIN_MS
    } finally {
      lease.release()
    }
  }

  /** False where there is no memory to hold it: it is fetched again. */
  #offer(fetched: Fetched, partition: Partition | undefined): boolean {
    if (!partition) return true
    partition.end = fetched.end
    if (fetched.next === partition.next) return true
    const { budget } = this.#options.context
    const lease = budget.take(fetched.bytes, 'pipeline')
    // What is larger than all of the budget will not fit later either: the pipelines say what becomes of it.
    if (!lease && fetched.bytes <= budget.maxBytes) return false
    this.#figures.records(fetched)
    partition.offer(fetched, lease)
    return true
  }

  #move(position: Position, from: bigint, partition: Partition | undefined): void {
    if (!partition) return
    const { topic, partition: number, offset } = position
    const fields = {
      component: this.#options.context.id,
      topic,
      partition: number,
      from: String(from),
      to: String(offset),
    }
    const what =
      offset > from ? `${offset - from} messages were deleted before they were read` : 'The log ends before it'
    this.#options.context.logger.error(fields, `The position in a partition is not there any more: ${what}.`)
    this.#figures.lost(position, from)
    partition.moveTo(offset)
  }

  /** One at a time; what is marked meanwhile goes with the next. */
  async #commit(): Promise<void> {
    if (this.#committing || this.#dirty.size === 0 || !this.#client) return
    const positions = [...this.#dirty.values()]
    this.#dirty.clear()
    this.#committing = this.#client
      .commit(positions)
      .then(() => this.#trouble('commit', undefined))
      .catch((error: unknown) => {
        for (const position of positions) {
          const name = nameOf(position)
          // What is somebody else's now is not ours to tell.
          if (this.#partitions.has(name) && !this.#dirty.has(name)) this.#dirty.set(name, position)
        }
        this.#trouble('commit', error)
      })
      .finally(() => (this.#committing = undefined))
    await this.#committing
    if (!this.#options.config.autocommit.enable && this.#dirty.size > 0 && !this.#ended.signal.aborted)
      setTimeout(() => void this.#commit(), 10)
  }

  #trouble(name: string, error: unknown): void {
    const problem = error === undefined ? undefined : toKafkaError(error, this.#where).message
    this.#options.trouble(name, problem)
    if (problem !== undefined && !this.#isClosing)
      this.#log.warn(
        name,
        { component: this.#options.context.id, error: problem },
        'Kafka does not answer as it should. Trying again.',
      )
  }

  #fail(error: unknown): void {
    if (this.#isClosing) return
    this.#failure ??= error
    this.#abandon()
  }

  #abandon(): void {
    this.#ended.abort()
    for (const [name, partition] of this.#partitions) {
      partition.revoke()
      this.#forget(name)
    }
  }
}
