import type { AggregateGroup, Aggregates, GroupKey, GroupOrder, Measures } from '../../../contract.ts'
import type { BlockRows } from '../../block/rows.ts'
import { binOf } from '../../../duration-bins.ts'
import type { Block } from '../block.ts'
import { Loan, type Turn } from '../turn.ts'
import { Counted } from './counted.ts'
import { GroupValues, NO_VALUE, UNKNOWN_VALUE } from './group-values.ts'
import { KeyTable } from './key-table.ts'
import type { Kept } from './exemplars.ts'
import { PartReader, PartWriter, type WrittenPart } from './part-form.ts'
import { Tally, tallyBytes, type CountedPart, type TallyPlan } from './tally.ts'
import type { TimeBins } from './time-bins.ts'

/** What counting a row costs, in units of {@link Turn.work}. */
const ROW_UNITS = 150

interface Group {
  /** By key, the number of its value. */
  readonly values: readonly number[]
  readonly tally: Tally
}

/** What was counted by groups elsewhere. */
export interface GroupsPart {
  /** Of each group, one after the other, as many as there are keys. */
  readonly values: readonly (string | undefined)[]
  /** Of each group the {@link Tally}. */
  readonly tallies: WrittenPart
}

/** Counts spans, or requests, by their groups. */
export class Groups {
  readonly #plan: TallyPlan
  readonly #time: TimeBins
  readonly #turn: Turn
  readonly #keys: readonly GroupValues[]
  readonly #numbers = new KeyTable()
  readonly #groups: Group[] = []
  /** What there was no memory to tell apart. */
  readonly #others: Tally
  readonly #counted = new Counted()

  constructor(groupBy: readonly GroupKey[], plan: TallyPlan, time: TimeBins, turn: Turn) {
    this.#plan = plan
    this.#time = time
    this.#turn = turn
    this.#keys = groupBy.map((key) => new GroupValues(key, turn))
    this.#others = new Tally(plan, turn)
  }

  /** Counts the rows whose `wanted` is 1. */
  async add(block: Block, rows: BlockRows, wanted: Uint8Array): Promise<void> {
    const values: Uint32Array[] = []
    for (const key of this.#keys) {
      const numbers = await key.of(block, rows, wanted)
      if (!numbers) return
      values.push(numbers)
    }
    const counted = this.#counted
    for (let row = 0; row < rows.count; row++) {
      if (!wanted[row]) continue
      if (this.#turn.work(ROW_UNITS) && (await this.#turn.breathe())) return
      counted.moveTo(rows, row)
      const bucket = this.#time.count > 0 ? this.#time.of(counted.startHi, counted.startLo) : 0
      this.#tallyOf(values, row).add(counted, binOf(counted.durationNs), bucket)
    }
  }

  /** All that was counted, to be added elsewhere; undefined where groups could not be told apart. */
  part(): GroupsPart | undefined {
    if (this.#others.count > 0) return undefined
    const out = new PartWriter()
    const values = this.#groups.flatMap((group) => group.values.map((number, i) => this.#keys[i]!.text(number)))
    for (const { tally } of this.#groups) tally.write(out)
    return { values, tallies: out.take() }
  }

  /** Adds such a part, whose buckets begin with `bucket` of these. */
  addGroups({ values, tallies }: GroupsPart, bucket: number): void {
    const input = new PartReader(tallies)
    const keys = this.#keys.length
    for (let at = 0; !input.isDone; at += keys)
      this.addTally(values.slice(at, at + keys), input, this.#plan.buckets > 0, (own) => bucket + own)
  }

  /** Adds the tally of one group, see {@link Tally.addWritten}. */
  addTally(
    values: readonly (string | undefined)[],
    input: PartReader,
    isCut: boolean,
    bucketOf: (bucket: number) => number,
  ): void {
    this.#tallyOfValues(values).addWritten(input, isCut, bucketOf)
  }

  /** Counts what was counted elsewhere; `values`: of the keys, undefined for none. */
  addPart(values: readonly (string | undefined)[], part: CountedPart): void {
    this.#tallyOfValues(values).addPart(part)
  }

  /** Names one that was counted so. */
  keep(values: readonly (string | undefined)[], exemplar: Kept): void {
    this.#tallyOfValues(values).keep(exemplar)
  }

  /** No exemplar of an answer is shorter than this, by what was counted. Nanoseconds. */
  leastExemplarNs(order: GroupOrder, limit: number): number {
    const groups = this.#sorted(order)
    const loan = new Loan(this.#turn)
    const rest = new Tally(this.#plan, loan)
    for (const { tally } of groups.slice(limit)) rest.addAll(tally)
    const least = groups.slice(0, limit).map(({ tally }) => tally.leastExemplarNs)
    if (rest.count > 0) least.push(rest.leastExemplarNs)
    loan.end()
    return Math.min(...least)
  }

  #tallyOfValues(values: readonly (string | undefined)[]): Tally {
    const [a = NO_VALUE, b = NO_VALUE, c = NO_VALUE] = values.map((text, i) =>
      text === undefined ? NO_VALUE : this.#keys[i]!.numberOf(text),
    )
    return this.#tallyOfNumbers(a, b, c)
  }

  #tallyOf([first, second, third]: readonly Uint32Array[], row: number): Tally {
    return this.#tallyOfNumbers(
      first ? first[row]! : NO_VALUE,
      second ? second[row]! : NO_VALUE,
      third ? third[row]! : NO_VALUE,
    )
  }

  #tallyOfNumbers(a: number, b: number, c: number): Tally {
    if (a === UNKNOWN_VALUE || b === UNKNOWN_VALUE || c === UNKNOWN_VALUE) return this.#others
    const number = this.#numbers.find(a, b, c)
    if (number >= 0) return this.#groups[number]!.tally
    if (!this.#turn.reserve(tallyBytes(this.#plan))) return this.#others
    const tally = new Tally(this.#plan, this.#turn)
    this.#groups[this.#numbers.add(a, b, c)] = { values: [a, b, c].slice(0, this.#keys.length), tally }
    return tally
  }

  answer(order: GroupOrder, limit: number): Pick<Aggregates, 'total' | 'groups' | 'rest'> {
    const groups = this.#sorted(order)
    // It may be asked again and again, and what it adds up is told and forgotten.
    const loan = new Loan(this.#turn)
    const rest = new Tally(this.#plan, loan)
    const left = groups.slice(limit)
    for (const { tally } of left) rest.addAll(tally)
    rest.addAll(this.#others)
    const total = new Tally(this.#plan, loan)
    for (const { tally } of groups.slice(0, limit)) total.addAll(tally)
    total.addAll(rest)
    loan.end()
    return {
      total: total.measures(),
      groups: this.#keys.length === 0 ? [] : groups.slice(0, limit).map(toGroup),
      rest: rest.count === 0 || this.#keys.length === 0 ? undefined : { groups: left.length, ...rest.measures() },
    }
  }

  #sorted(order: GroupOrder): NamedGroup[] {
    const groups = this.#groups.map(({ values, tally }) => ({
      key: values.map((number, i) => this.#keys[i]!.text(number)),
      tally,
      place: placeOf(order, tally),
    }))
    return groups.sort((a, b) => b.place - a.place || compareKeys(a.key, b.key))
  }
}

/** A group with the texts of its key. */
interface NamedGroup {
  readonly key: AggregateGroup['key']
  readonly tally: Tally
}

function toGroup({ key, tally }: NamedGroup): AggregateGroup {
  const measures: Measures = tally.measures()
  return { key, ...measures }
}

function placeOf(order: GroupOrder, tally: Tally): number {
  switch (order) {
    case 'count':
      return tally.count
    case 'errors':
      return tally.errors
    case 'sum':
      return tally.sumNs
    case 'max':
      return tally.maxNs
    default:
      return tally.lastPercentile
  }
}

/** By code units; what has none comes first. */
function compareKeys(a: readonly (string | undefined)[], b: readonly (string | undefined)[]): number {
  for (const [i, left] of a.entries()) {
    const right = b[i]
    if (left === right) continue
    return left === undefined || (right !== undefined && left < right) ? -1 : 1
  }
  return 0
}
