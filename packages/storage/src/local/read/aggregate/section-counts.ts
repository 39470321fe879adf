import { ByteReader, ByteWriter } from '../../sealed/bytes.ts'
import type { EdgesPart } from '../dependency-edges.ts'
import type { WrittenPart } from './part-form.ts'
import type { TimeBins } from './time-bins.ts'

/*
 * What the spans of a sealed section come to, one that is there twice once, so that what is asked without a filter need not be counted by rows. It is a piece of the section, and never needed: who cannot
 * read it counts. Numbers are varints, byte strings have their length before them.
 *
 *   counts := version, cells, groups, calls
 *   cells  := step of time in nanoseconds, parts of the time that are in use, bytes
 *   parts  := how many; of the first how many steps since 1970, of each other since the one before
 *   groups := bytes: of each operation, by its place in the section's meta, and status a tally
 *   calls  := 0: there are too many that wait; or 1, services, bytes of edges, calls that wait
 *
 * The bytes are in the form of `Cells.part` and of `Tally.write`, for which the parts are the time, or where there are none it is not cut, and of `DependencyEdges.part`; links are not followed.
 */

const VERSION = 1
/** Of each group. */
export const COUNTED_EXEMPLARS = 1

export interface SectionCounts {
  /** Of cells and groups: nanoseconds, and the numbers of the parts of the time, ascending. Without parts there are no cells. */
  readonly stepNs: number
  readonly times: readonly number[]
  readonly cells: WrittenPart
  /** Of each group: operation, status, tally. */
  readonly groups: WrittenPart
  readonly calls: EdgesPart | undefined
}

export function writeCounts({ stepNs, times, cells, groups, calls }: SectionCounts): Uint8Array {
  const out = new ByteWriter(1 << 14)
  for (const number of [VERSION, stepNs, times.length]) out.number(number)
  for (const [i, time] of times.entries()) out.number(i === 0 ? time : time - times[i - 1]!)
  out.bytes(cells)
  out.bytes(groups)
  out.number(calls ? 1 : 0)
  if (!calls) return out.take()
  out.number(calls.names.length)
  for (const name of calls.names) out.bytes(Buffer.from(name))
  out.bytes(calls.edges)
  out.number(calls.waiting.length)
  for (const word of calls.waiting) out.number(word)
  return out.take()
}

/** Undefined where a later version wrote it. Throws RangeError where the bytes are none of it. */
export function readCounts(bytes: Uint8Array): SectionCounts | undefined {
  const input = new ByteReader(bytes)
  if (input.number() !== VERSION) return undefined
  const stepNs = input.number()
  let last = 0
  const times = Array.from({ length: input.count() }, () => (last += input.number()))
  const [cells, groups] = [input.bytes(), input.bytes()]
  return { stepNs, times, cells, groups, calls: input.number() === 1 ? readCalls(input) : undefined }
}

function readCalls(input: ByteReader): EdgesPart {
  const names = Array.from({ length: input.count() }, () => decoder.decode(input.bytes()))
  // A copy: it may be kept, and all else that is read with it is not.
  return { names, edges: Uint8Array.from(input.bytes()), waiting: input.numbers() }
}

/** In which of these parts of the time each of a section's is; undefined where one may be in several, or there are none. */
export function numbersOf({ stepNs, times }: SectionCounts, time: TimeBins): readonly number[] | undefined {
  const { count, widthNs, first } = time
  if (count > 0 && times.length === 0) return undefined
  if (count <= 1) return times.map(() => 0)
  const step = BigInt(stepNs)
  if (widthNs % step !== 0n || first % step !== 0n) return undefined
  return times.map((number) => time.numberOf(BigInt(number) * step))
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
