import { crc32 } from 'node:zlib'
import type { BlockRows } from '../block/rows.ts'
import { Cells } from '../read/aggregate/cells.ts'
import { Counted } from '../read/aggregate/counted.ts'
import { binOf } from '../../duration-bins.ts'
import { PartWriter, type WrittenPart } from '../read/aggregate/part-form.ts'
import { COUNTED_EXEMPLARS, writeCounts, type SectionCounts } from '../read/aggregate/section-counts.ts'
import { Tally, tallyBytes, type TallyPlan } from '../read/aggregate/tally.ts'
import { TraceRows } from '../read/aggregate/twins.ts'
import { removeTwinsBefore } from '../read/aggregate/twins-before.ts'
import { UsedTimes } from '../read/aggregate/used-times.ts'
import { callsIn, isSmall } from '../read/dependencies.ts'
import { rangeOf } from '../read/range.ts'
import { Turn } from '../read/turn.ts'
import type { Clock } from '../runtime.ts'
import { pack } from '../sealed/compression.ts'
import type { EncodedSection } from '../sealed/encode.ts'
import { inPieces } from '../sealed/pieces.ts'
import { freeSourceRows, rowsOfSource } from '../sealed/source-rows.ts'

/** Spans from which on a section has counts: fewer are counted in no time. */
const MIN_SPANS = 4_096
/** Parts of the time of cells, at most. */
const MAX_TIMES = 16

/** Of memory: beyond it, as where nearly each span has an operation of its own, a section has none. */
const MAX_BYTES = 1 << 24

/** Nobody waits for a turn, or has one to give. */
const STILL: Clock = {
  wallMs: () => 0,
  monotonicMs: () => 0,
  after: () => () => {},
  turn: () => Promise.resolve(),
}

/** The section with what its spans come to, see `section-counts.ts`; the same where it has none. `minSpans`: from which on it has. */
export async function withCounts(encoded: EncodedSection, minSpans = MIN_SPANS): Promise<EncodedSection> {
  const { meta, parts, source } = encoded
  if (meta.spans < minSpans) return encoded
  const rows = rowsOfSource(source)
  const counts = await countsOf(rows, BigInt(meta.minStart))
  freeSourceRows(rows)
  if (!counts) return encoded
  const raw = writeCounts(counts)
  const packed = pack(raw)
  const place = { offset: meta.length, length: packed.length, crc: crc32(packed), raw: raw.length }
  return {
    ...encoded,
    parts: [...parts, packed],
    meta: { ...meta, length: meta.length + packed.length, counts: place },
  }
}

/** By the readers' own code, so that a question has the same answer with them and without. Undefined where there is no memory for all of it. */
async function countsOf(rows: BlockRows, minStart: bigint): Promise<SectionCounts | undefined> {
  const turn = new Turn(STILL, Infinity, { maxBytes: MAX_BYTES })
  const wanted = new Uint8Array(rows.count).fill(1)
  await removeTwins(rows, wanted, turn)
  const times = UsedTimes.of(rows, wanted, minStart, MAX_TIMES)
  const cells = times && new Cells(times, turn)
  await cells?.add(rows, wanted)
  const groups = groupsOf(rows, wanted, times, turn)
  const calls = await callsIn(undefined, rows, wanted, false, turn)
  if (!turn.complete) return undefined
  return {
    stepNs: times?.stepNs ?? 1,
    times: times?.numbers ?? [],
    cells: cells?.part() ?? new Uint8Array(),
    groups,
    calls: isSmall(calls) ? calls : undefined,
  }
}

async function removeTwins(rows: BlockRows, wanted: Uint8Array, turn: Turn): Promise<void> {
  const traces = new TraceRows(rows)
  const first = rows.first!
  for (let trace = 0; trace < rows.traceCount; trace++) {
    if (traces.remove(first[trace]!, first[trace + 1]!, wanted)) continue
    // Of very many that start at once each would be held against all others.
    await removeTwinsBefore(rows, wanted, rangeOf(), [], turn)
    return
  }
}

/** By operation and status, and by the time. */
function groupsOf(rows: BlockRows, wanted: Uint8Array, times: UsedTimes | undefined, turn: Turn): WrittenPart {
  const plan = { percentiles: [], buckets: times?.count ?? 0, exemplars: COUNTED_EXEMPLARS, seconds: 1 }
  const tallies: (Tally | undefined)[][] = rows.operations.map(() => [])
  const counted = new Counted()
  inPieces(rows.count, (from, to) => addTallies(rows, wanted, from, to, plan, times, counted, tallies, turn))
  const out = new PartWriter()
  for (const [number, own] of tallies.entries())
    for (const [of, tally] of own.entries()) {
      if (!tally) continue
      out.numbers(number, of)
      tally.write(out)
    }
  return out.take()
}

/** Of some rows: what is called often is compiled, see `sealed/pieces.ts`. */
function addTallies(
  rows: BlockRows,
  wanted: Uint8Array,
  from: number,
  to: number,
  plan: TallyPlan,
  times: UsedTimes | undefined,
  counted: Counted,
  tallies: (Tally | undefined)[][],
  turn: Turn,
): void {
  const { operation, status } = rows
  for (let row = from; row < to; row++) {
    if (!wanted[row]) continue
    counted.moveTo(rows, row)
    const own = tallies[operation[row]!]!
    const tally = own[status[row]!] ?? newTally(own, status[row]!, plan, turn)
    if (!tally) return
    tally.add(counted, binOf(counted.durationNs), times ? times.of(counted.startHi, counted.startLo) : 0)
  }
}

/** Undefined where there is no memory for it. */
function newTally(own: (Tally | undefined)[], status: number, plan: TallyPlan, turn: Turn): Tally | undefined {
  return turn.reserve(tallyBytes(plan)) ? (own[status] = new Tally(plan, turn)) : undefined
}
