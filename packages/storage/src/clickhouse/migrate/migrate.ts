/**
 * Brings the spans of a data directory to a ClickHouse, so that each is there as often as here. Nothing is remembered of how far it is: both sides are added up by hour, hours that are the same are
 * done, and of the others what is not there is stored. So it may be killed at any time, and goes on when it is started again; and again later, for what came late.
 */
import { extractSpans } from '@spoor/otlp'
import { StorageError } from '../../contract.ts'
import { readSpans, type ReadReport } from '../../local/tools/read-spans.ts'
import type { ClickHouseAddress } from '../address.ts'
import { Connection } from '../connection.ts'
import { WRITTEN_COLUMNS } from '../write/columns.ts'
import { DigestTable } from './digest-table.ts'
import { Loader } from './loader.ts'
import { type HourSum, HourSums, isSame, SpanDigests, startOfHour } from './span-digests.ts'
import { Target } from './target.ts'

export interface MigrateOptions {
  readonly directory: string
  readonly address: ClickHouseAddress
  /** Makes the tables where they are not there. Default true. */
  readonly create?: boolean
  /** Compares, and stores nothing. Default false. */
  readonly dryRun?: boolean
  /** Spans a second that are stored, at most. Default: as many as go. */
  readonly spansPerSecond?: number
  readonly onProgress?: (progress: MigrateProgress) => void
  readonly signal?: AbortSignal
  /** Digests of what is stored that are held at a time. Default 4 million, of 35 bytes each at the most. */
  readonly maxDigests?: number
  /** Bytes of rows that are stored at a time. Default 32 MiB. */
  readonly insertBytes?: number
}

export interface MigrateProgress {
  readonly doing: 'counting' | 'comparing' | 'storing' | 'checking'
  /** Spans, of those that there are to do. 0 where that is not known. */
  readonly done: number
  readonly total: number
}

/** Of an hour that is not the same on both sides. */
export interface HourDifference {
  /** Its begin, ISO 8601. */
  readonly hour: string
  readonly here: number
  readonly there: number
  /** Spans that are here and not there. */
  readonly missing: number
  /** Spans that are here, and there more often. */
  readonly doubled: number
  /** Spans that are not here. */
  readonly others: number
}

export interface MigrateReport {
  readonly spans: number
  readonly hours: number
  /** Stored now; in a dry run: that would be. */
  readonly stored: number
  /** Hours that are not the same on both sides. In a dry run, as they are now, and it is not known what of them is missing where there are some. */
  readonly differences: readonly HourDifference[]
  /** Each span that could be read is there as often as here. */
  readonly complete: boolean
  /** What could not be read here; and whether files of a running store went meanwhile. */
  readonly damage: StorageError | undefined
  readonly vanished: boolean
}

const MAX_DIGESTS = 4_000_000

/** Rejects with StorageError, as of reading the directory and of storing. */
export async function migrateToClickHouse(options: MigrateOptions): Promise<MigrateReport> {
  const { address, create = true, dryRun = false, signal = new AbortController().signal } = options
  const connection = await Connection.open(address)
  try {
    const target = await Target.open(connection, address, create && !dryRun, signal)
    if (!target && !dryRun)
      throw new StorageError('io', 'the table is not there; make it as "spoor clickhouse schema" says')
    return await new Migration(options, connection, target, signal, dryRun).run()
  } catch (error) {
    if (signal.aborted) throw new StorageError('cancelled', 'stopped, as was asked for; run it again to go on')
    throw error
  } finally {
    await connection.close()
  }
}

/** What of some hours is read together, and compared with digests from there. */
interface Pass {
  readonly hours: readonly number[]
  /** Those of them of which something is there. */
  readonly compared: readonly number[]
  readonly digests: number
  readonly part: number
  readonly parts: number
}

class Migration {
  readonly #options: MigrateOptions
  /** Undefined: there is no table, and nothing in it. */
  readonly #target: Target | undefined
  readonly #connection: Connection
  readonly #signal: AbortSignal
  readonly #dryRun: boolean
  readonly #digests = new SpanDigests()
  #damage: StorageError | undefined
  #complete = true
  #vanished = false

  constructor(
    options: MigrateOptions,
    connection: Connection,
    target: Target | undefined,
    signal: AbortSignal,
    dryRun: boolean,
  ) {
    this.#options = options
    this.#connection = connection
    this.#target = target
    this.#signal = signal
    this.#dryRun = dryRun
  }

  async run(): Promise<MigrateReport> {
    const here = await this.#count()
    if (here.of.size === 0) return this.#report(here, 0, [])
    await this.#target?.settled()
    let there = await this.#sums(here)
    const different = [...here.of.keys()].filter((hour) => !isSame(here.of.get(hour), there.get(hour)))
    if (this.#dryRun) {
      const differences = different.map((hour) => {
        const [a, b] = [here.of.get(hour)!.count, there.get(hour)?.count ?? 0]
        return {
          hour: nameOf(hour),
          here: a,
          there: b,
          missing: Math.max(0, a - b),
          doubled: 0,
          others: Math.max(0, b - a),
        }
      })
      return this.#report(
        here,
        differences.reduce((sum, { missing }) => sum + missing, 0),
        differences,
      )
    }
    let stored = 0
    if (different.length > 0) {
      const { spans } = this.#target!
      const loader = new Loader(
        (rows, token, signal) => this.#connection.insert(spans, WRITTEN_COLUMNS, rows, token, signal),
        await this.#target!.nextBatch(),
        this.#signal,
        this.#options.insertBytes,
      )
      await this.#store(different, here, there, loader)
      await loader.finish()
      stored = loader.stored
      there = await this.#sums(here)
    }
    const differences: HourDifference[] = []
    for (const hour of different)
      if (!isSame(here.of.get(hour), there.get(hour))) differences.push(await this.#explain(hour, here, there))
    return this.#report(here, stored, differences)
  }

  #report(here: HourSums, stored: number, differences: readonly HourDifference[]): MigrateReport {
    const isWhole = differences.every(({ missing, doubled }) => missing === 0 && doubled === 0)
    return {
      spans: here.spans,
      hours: here.of.size,
      stored,
      differences,
      complete: isWhole && this.#complete && !this.#vanished,
      damage: this.#damage,
      vanished: this.#vanished,
    }
  }

  async #count(): Promise<HourSums> {
    const sums = new HourSums()
    let spans = 0
    await this.#read(undefined, async (bytes) => {
      const count = this.#digests.read(bytes)
      const { hours, lo, hi } = this.#digests
      for (let i = 0; i < count; i++) sums.add(hours[i]!, lo[i]!, hi[i]!)
      this.#tell('counting', (spans += count), 0)
    })
    return sums
  }

  async #sums({ of }: HourSums): Promise<Map<number, HourSum>> {
    this.#tell('comparing', 0, 0)
    const [first, last] = boundsOf([...of.keys()])
    return (await this.#target?.sums(first, last)) ?? new Map()
  }

  /** Stores what of these hours is not there. What was counted of them before is counted again, as a running store may have taken more. */
  async #store(
    different: readonly number[],
    here: HourSums,
    there: ReadonlyMap<number, HourSum>,
    loader: Loader,
  ): Promise<void> {
    const total = different.reduce((sum, hour) => sum + here.of.get(hour)!.count, 0)
    const pace = paceOf(this.#options.spansPerSecond)
    let done = 0
    for (const pass of this.#passes(different, there)) {
      const table = await this.#tableOf(pass)
      const isOf = new Set(pass.hours)
      const sums = new HourSums()
      await this.#read(boundsOf(pass.hours), async (bytes) => {
        const count = this.#digests.read(bytes)
        const { hours, lo, hi, columns } = this.#digests
        const rows: number[] = []
        for (let i = 0; i < count; i++) {
          if (!isOf.has(hours[i]!)) continue
          // Of an hour that is read several times, each span is counted once.
          if (hi[i]! % pass.parts !== pass.part) continue
          sums.add(hours[i]!, lo[i]!, hi[i]!)
          done++
          if (!table.take(lo[i]!, hi[i]!)) rows.push(i)
        }
        if (rows.length === count) await loader.add(bytes)
        else if (rows.length > 0) await loader.add(extractSpans(bytes, rows, columns))
        await pace(rows.length, this.#signal)
        this.#tell('storing', Math.min(done, total), total)
      })
      for (const hour of pass.hours) replace(here, hour, sums.of.get(hour), pass.part > 0)
    }
  }

  /** What is the matter with an hour that is not the same. */
  async #explain(hour: number, here: HourSums, there: ReadonlyMap<number, HourSum>): Promise<HourDifference> {
    let [missing, doubled, others, done] = [0, 0, 0, 0]
    const count = here.of.get(hour)!.count
    for (const pass of this.#passes([hour], there)) {
      const table = await this.#tableOf(pass)
      await this.#read(boundsOf([hour]), async (bytes) => {
        const spans = this.#digests.read(bytes)
        const { hours, lo, hi } = this.#digests
        for (let i = 0; i < spans; i++)
          if (hours[i] === hour && hi[i]! % pass.parts === pass.part && !table.take(lo[i]!, hi[i]!)) missing++
        this.#tell('checking', Math.min((done += spans), count), count)
      })
      const rest = table.rest()
      doubled += rest.ofAsked
      others += rest.others
    }
    return { hour: nameOf(hour), here: count, there: there.get(hour)?.count ?? 0, missing, doubled, others }
  }

  /** Hours of which nothing is there need no digests, and are read together, with as many others as there is room for. */
  #passes(hours: readonly number[], there: ReadonlyMap<number, HourSum>): Pass[] {
    const { maxDigests = MAX_DIGESTS } = this.#options
    const countOf = (hour: number): number => there.get(hour)?.count ?? 0
    const fresh = hours.filter((hour) => countOf(hour) === 0)
    const passes: Pass[] = []
    let group = { hours: [...fresh], compared: [] as number[], digests: 0 }
    const close = (): void => {
      if (group.hours.length > 0) passes.push({ ...group, part: 0, parts: 1 })
      group = { hours: [], compared: [], digests: 0 }
    }
    for (const hour of hours.filter((each) => countOf(each) > 0).sort((a, b) => a - b)) {
      const digests = countOf(hour)
      if (digests > maxDigests) {
        const parts = Math.ceil((1.2 * digests) / maxDigests)
        for (let part = 0; part < parts; part++)
          passes.push({ hours: [hour], compared: [hour], digests: maxDigests, part, parts })
        continue
      }
      if (group.digests + digests > maxDigests) close()
      group.hours.push(hour)
      group.compared.push(hour)
      group.digests += digests
    }
    close()
    return passes
  }

  async #tableOf({ compared, digests, part, parts }: Pass): Promise<DigestTable> {
    const table = new DigestTable(digests)
    if (compared.length > 0) await this.#target!.digests(compared, { part, parts }, (lo, hi) => table.add(lo, hi))
    return table
  }

  async #read(
    hours: readonly [first: number, last: number] | undefined,
    take: (bytes: Uint8Array) => Promise<void>,
  ): Promise<void> {
    const { directory } = this.#options
    const range = hours && { from: startOfHour(hours[0]), to: startOfHour(hours[1] + 1) - 1n }
    this.#note(await readSpans(directory, { signal: this.#signal, ...range }, take))
  }

  #note({ complete, damage, vanished }: ReadReport): void {
    this.#complete &&= complete
    this.#damage ??= damage
    this.#vanished ||= vanished
  }

  #tell(doing: MigrateProgress['doing'], done: number, total: number): void {
    this.#options.onProgress?.({ doing, done, total })
  }
}

function boundsOf(hours: readonly number[]): readonly [first: number, last: number] {
  let [first, last] = [Infinity, -Infinity]
  for (const hour of hours) {
    first = Math.min(first, hour)
    last = Math.max(last, hour)
  }
  return [first, last]
}

function replace(sums: HourSums, hour: number, sum: HourSum | undefined, isFurther: boolean): void {
  const before = isFurther ? sums.of.get(hour) : undefined
  sums.of.set(hour, joined(before, sum))
}

function joined(a: HourSum = { count: 0, lo: 0, hi: 0 }, b: HourSum = { count: 0, lo: 0, hi: 0 }): HourSum {
  const lo = a.lo + b.lo
  return { count: a.count + b.count, lo: lo % 2 ** 32, hi: (a.hi + b.hi + Math.floor(lo / 2 ** 32)) % 2 ** 32 }
}

/** Waits so that no more than that go on in a second. */
function paceOf(perSecond: number | undefined): (spans: number, signal: AbortSignal) => Promise<void> {
  const beganMs = performance.now()
  let spans = 0
  return async (more, signal) => {
    if (perSecond === undefined) return
    spans += more
    for (;;) {
      const earlyMs = (1000 * spans) / perSecond - (performance.now() - beganMs)
      if (earlyMs < 1 || signal.aborted) return
      // In pieces, so that a stop is not waited for.
      await new Promise((resolve) => setTimeout(resolve, Math.min(earlyMs, 200)))
    }
  }
}

function nameOf(hour: number): string {
  return `${new Date(hour * 3_600_000).toISOString().slice(0, 13)}:00Z`
}
