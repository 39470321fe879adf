import { crc32 } from 'node:zlib'
import type { BlockRows } from '../block/rows.ts'
import { Cells } from '../read/aggregate/cells.ts'
import { Counted } from '../read/aggregate/counted.ts'
import { binOf } from '../../duration-bins.ts'
import { PartWriter, type WrittenPart } from '../read/aggregate/part-form.ts'
import { COUNTED_EXEMPLARS, writeCounts, type SectionCounts } from '../read/aggregate/section-counts.ts'
import { Tally, tallyBytes } from '../read/aggregate/tally.ts'
import { removeTwinsBefore } from '../read/aggregate/twins-before.ts'
import { UsedTimes } from '../read/aggregate/used-times.ts'
import { callsIn, isSmall } from '../read/dependencies.ts'
import { rangeOf } from '../read/range.ts'
import { Turn } from '../read/turn.ts'
import type { Clock } from '../runtime.ts'
import { pack } from '../sealed/compression.ts'
import type { EncodedSection } from '../sealed/encode.ts'
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
  await removeTwinsBefore(rows, wanted, rangeOf(), [], turn)
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

/** By operation and status, and by the time. */
function groupsOf(rows: BlockRows, wanted: Uint8Array, times: UsedTimes | undefined, turn: Turn): WrittenPart {
  const plan = { percentiles: [], buckets: times?.count ?? 0, exemplars: COUNTED_EXEMPLARS, seconds: 1 }
  const tallies: (Map<number, Tally> | undefined)[] = []
  const counted = new Counted()
  const { operation, status } = rows
  for (let row = 0; row < rows.count; row++) {
    if (!wanted[row]) continue
    counted.moveTo(rows, row)
    const own = (tallies[operation[row]!] ??= new Map())
    let tally = own.get(status[row]!)
    if (!tally) {
      if (!turn.reserve(tallyBytes(plan))) break
      own.set(status[row]!, (tally = new Tally(plan, turn)))
    }
    tally.add(counted, binOf(counted.durationNs), times?.of(counted.startHi, counted.startLo) ?? 0)
  }
  const out = new PartWriter()
  for (const [number, own] of tallies.entries())
    for (const [of, tally] of own ?? []) {
      out.numbers(number, of)
      tally.write(out)
    }
  return out.take()
}
