import { createHash } from 'node:crypto'
import { errorKindOf, type ErrorKind, type RecordedError } from '@spoor/trace'
import {
  ERROR_ORDERS,
  StorageError,
  type ErrorGroup,
  type ErrorGroups,
  type ErrorGroupsQuery,
  type ErrorOrder,
  type Filter,
  type OnPartial,
} from '../../../contract.ts'
import { startOf, type BlockRows } from '../../block/rows.ts'
import { compileFilter } from '../filter/compile.ts'
import { allOf, type Condition } from '../filter/condition.ts'
import { filterKey } from '../filter/filter-key.ts'
import { NO, YES } from '../filter/verdict.ts'
import { whole } from '../plan.ts'
import { isReadable } from '../range.ts'
import type { CompiledSet } from '../set/compile.ts'
import { SpanView } from '../span-view.ts'
import type { TakeRows } from '../trace-sweep.ts'
import type { Turn } from '../turn.ts'
import { endOf } from './aggregate.ts'
import { Counted } from './counted.ts'
import { exemplarOf, keptOf, type Kept } from './exemplars.ts'
import { Growth } from './growth.ts'
import { wholeOf, type Blocks } from './parts.ts'
import { scopeOf } from './plan.ts'
import { recordedErrors } from './recorded-errors.ts'
import { eachCounted, partsOf } from './spans.ts'
import { TimeBins } from './time-bins.ts'

const IS_ERROR: Filter = {
  op: 'or',
  args: [
    { op: 'eq', target: { field: 'status' }, value: 'error' },
    { op: 'exists', target: { attribute: 'exception.type', level: 'event' } },
    { op: 'exists', target: { attribute: 'exception.message', level: 'event' } },
  ],
}
/** Of a group in memory, beside its texts, and of an exemplar and a service of it. */
const GROUP_BYTES = 500
const EXEMPLAR_BYTES = 250
const SERVICE_BYTES = 100
/** What reading a span costs, in units of {@link Turn.work}. */
const SPAN_UNITS = 3_000
/** Errors, as they were recorded, whose kind is remembered. */
const MAX_KNOWN = 4_096
const MAX_KNOWN_CHARACTERS = 20_000

/** Errors by their kind. Of spans that tell of one the bytes are read, and of no others. Out of time or memory, what was counted is told. */
export async function errorGroups(
  blocks: Blocks,
  query: ErrorGroupsQuery,
  turn: Turn,
  tell?: OnPartial<ErrorGroups>,
): Promise<ErrorGroups> {
  const order = query.order ?? 'count'
  if (!ERROR_ORDERS.includes(order))
    throw new StorageError('bad_query', `order is ${order}; one of ${ERROR_ORDERS.join(', ')}`)
  const limit = whole(query.limit ?? 50, 'limit', 1, 1_000)
  const buckets = whole(query.buckets ?? 0, 'buckets', 0, 1_000)
  const exemplars = whole(query.exemplars ?? 3, 'exemplars', 0, 10)
  const asked = scopeOf({ ...query, of: 'spans' }, wholeOf(blocks), turn)
  const isError = compileFilter(IS_ERROR, turn)
  const narrow = narrowed(asked.set, isError)
  const time = TimeBins.over(asked, buckets, query.aligned)
  const errors = new Errors(time, exemplars, turn)
  const condition = narrow ? undefined : isError
  const scope = narrow ? { ...asked, set: narrow } : asked
  const answer = (): ErrorGroups => ({ ...errors.answer(order, limit), ...endOf(asked, time, turn) })
  const growth = new Growth(turn, partsOf(blocks, scope), answer, tell)
  const count: TakeRows = async (block, rows, wanted) => {
    const verdicts = condition ? await condition.judge(block, rows, turn, 1) : YES
    const view = new SpanView(block, rows)
    for (let row = 0; row < wanted.length; row++) {
      const verdict = typeof verdicts === 'number' ? verdicts : verdicts[row]!
      if (!wanted[row] || verdict === NO) continue
      if (turn.work(SPAN_UNITS) && (await turn.breathe())) return
      if (!isReadable(view, row, turn) || (verdict !== YES && !condition!.test(view, rows))) continue
      errors.add(rows, row, recordedErrors(view))
    }
  }
  await eachCounted(blocks, scope, turn, count, growth)
  return answer()
}

/** The set of those of its spans that tell of an error, where that is the spans of one filter. */
function narrowed(set: CompiledSet | undefined, isError: Condition): CompiledSet | undefined {
  if (set && set.root.op !== 'spans') return undefined
  const leaves = [...(set?.leaves ?? []), { filter: IS_ERROR, condition: isError }]
  const filter: Filter = { op: 'and', args: leaves.map((leaf) => leaf.filter) }
  return {
    root: { op: 'spans', leaf: 0 },
    leaves: [{ filter, key: filterKey(filter), condition: allOf(leaves.map(({ condition }) => condition)) }],
  }
}

interface Group {
  readonly kind: ErrorKind
  count: number
  first: bigint
  last: bigint
  readonly services: Map<string, number>
  readonly exemplars: (Kept & { readonly start: bigint })[]
  readonly buckets: Uint32Array
}

/** Spans that tell of the same, all of one service and one part of the time, that were counted elsewhere. */
export interface CountedErrors {
  readonly recorded: readonly RecordedError[]
  readonly service: string
  readonly bucket: number
  readonly count: number
  readonly first: bigint
  readonly last: bigint
  readonly exemplars: readonly (Kept & { readonly start: bigint })[]
}

export class Errors {
  readonly #time: TimeBins
  readonly #exemplars: number
  readonly #turn: Turn
  readonly #groups = new Map<string, Group>()
  readonly #known = new Map<string, ErrorKind>()
  readonly #counted = new Counted()
  #spans = 0

  constructor(time: TimeBins, exemplars: number, turn: Turn) {
    this.#time = time
    this.#exemplars = exemplars
    this.#turn = turn
  }

  add(rows: BlockRows, row: number, recorded: readonly RecordedError[]): void {
    this.#spans++
    const groups = new Set(recorded.map((error) => this.#groupOf(this.#kindOf(error))))
    for (const group of groups) if (group) this.#count(group, rows, row)
  }

  addPart({ recorded, count, first, last, service, bucket, exemplars }: CountedErrors): void {
    this.#spans += count
    const groups = new Set(recorded.map((error) => this.#groupOf(this.#kindOf(error))))
    for (const group of groups) {
      if (!group) continue
      if (group.count === 0 || first < group.first) group.first = first
      if (last > group.last) group.last = last
      group.count += count
      if (this.#time.count > 0) group.buckets[bucket]! += count
      this.#countService(group, service, count)
      for (const exemplar of exemplars) this.#keep(group, exemplar)
    }
  }

  #count(group: Group, rows: BlockRows, row: number): void {
    const counted = this.#counted
    counted.moveTo(rows, row)
    const start = startOf(rows, row)
    if (group.count++ === 0 || start < group.first) group.first = start
    if (start > group.last) group.last = start
    if (this.#time.count > 0) group.buckets[this.#time.of(counted.startHi, counted.startLo)]!++
    const { service } = rows.operations[rows.operation[row]!]!
    this.#countService(group, service, 1)
    const { exemplars } = group
    if (exemplars.length === this.#exemplars && (this.#exemplars === 0 || start < exemplars.at(-1)!.start)) return
    this.#keep(group, { ...keptOf(counted), start })
  }

  #countService({ services }: Group, service: string, count: number): void {
    const known = services.get(service)
    if (known !== undefined || this.#turn.reserve(SERVICE_BYTES)) services.set(service, (known ?? 0) + count)
  }

  #keep({ exemplars }: Group, exemplar: Group['exemplars'][number]): void {
    exemplars.push(exemplar)
    exemplars.sort((a, b) => (a.start === b.start ? Buffer.compare(a.ids, b.ids) : a.start > b.start ? -1 : 1))
    if (exemplars.length > this.#exemplars) exemplars.pop()
  }

  /** Most errors are recorded in the very same words as one before. */
  #kindOf(error: RecordedError): ErrorKind {
    const { type = '', message = '', stacktrace = '' } = error
    if (message.length + stacktrace.length > MAX_KNOWN_CHARACTERS) return errorKindOf(error)
    const text = `${type}\0${message}\0${stacktrace}`
    let kind = this.#known.get(text)
    if (!kind) {
      if (this.#known.size >= MAX_KNOWN) this.#known.clear()
      this.#known.set(text, (kind = errorKindOf(error)))
    }
    return kind
  }

  /** Undefined when there is no memory for it. */
  #groupOf(kind: ErrorKind): Group | undefined {
    const key = keyOf(kind)
    const known = this.#groups.get(key)
    const bytes = GROUP_BYTES + 4 * key.length + 4 * this.#time.count + EXEMPLAR_BYTES * this.#exemplars
    if (known || !this.#turn.reserve(bytes)) return known
    const group = {
      kind,
      count: 0,
      first: 0n,
      last: 0n,
      services: new Map<string, number>(),
      exemplars: [],
      buckets: new Uint32Array(this.#time.count),
    }
    this.#groups.set(key, group)
    return group
  }

  answer(order: ErrorOrder, limit: number): Pick<ErrorGroups, 'spans' | 'groups' | 'moreGroups'> {
    const groups = [...this.#groups].sort(([a, one], [b, other]) => compare(order, one, other) || (a < b ? -1 : 1))
    return {
      spans: this.#spans,
      groups: groups.slice(0, limit).map(([key, group]) => toErrorGroup(key, group)),
      moreGroups: Math.max(0, groups.length - limit),
    }
  }
}

function keyOf({ type, message, frame }: ErrorKind): string {
  return [type, message, frame].join('\0')
}

/** The greatest first. */
function compare(order: ErrorOrder, a: Group, b: Group): number {
  if (order === 'count') return b.count - a.count
  const [left, right] = order === 'first_seen' ? [a.first, b.first] : [a.last, b.last]
  return left > right ? -1 : left < right ? 1 : 0
}

function toErrorGroup(key: string, { kind, count, first, last, services, exemplars, buckets }: Group): ErrorGroup {
  const { type, message, frame } = kind
  return {
    id: createHash('sha256').update(key).digest('hex').slice(0, 16),
    type,
    message,
    frame,
    count,
    firstSeen: first,
    lastSeen: last,
    services: [...services]
      .map(([name, spans]) => ({ name, spans }))
      .sort((a, b) => b.spans - a.spans || (a.name < b.name ? -1 : 1)),
    exemplars: exemplars.map(({ start, ...kept }) => ({ ...exemplarOf(kept), start })),
    ...(buckets.length > 0 && { buckets: [...buckets] }),
  }
}
