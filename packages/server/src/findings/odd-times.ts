import { collectSearch, type Filter, type TraceSummary } from '@spoor/storage'
import type { FindingRow } from '../api.ts'
import type { Limits, StoreQueries } from '../api/store-queries.ts'

const S = 1_000_000_000n
const YEAR_2000 = 946_684_800n * S
/** What clocks may be apart: half an hour, as the ledger of senders has it. */
const AHEAD = 1_800n * S
/** How far a time in another unit may be from now: ten years. */
const NEAR = 315_360_000n * S
const MAX_TRACES = 20

const UNITS = [
  { code: 'times_in_seconds', unit: 'seconds', factor: S, line: 'BigInt(seconds) * 1_000_000_000n' },
  { code: 'times_in_milliseconds', unit: 'milliseconds', factor: 1_000_000n, line: 'BigInt(Date.now()) * 1_000_000n' },
  { code: 'times_in_microseconds', unit: 'microseconds', factor: 1_000n, line: 'BigInt(microseconds) * 1_000n' },
] as const

/** Spans that start before 2000, told by the unit that they may be in, or ahead of now by more than half an hour. `nowMs`: milliseconds since 1970. */
export async function oddTimes(store: StoreQueries, nowMs: number, limits: Limits): Promise<FindingRow[]> {
  const now = BigInt(nowMs) * 1_000_000n
  // Of a condition that all spans meet, it is told which did.
  const filter: Filter = { op: 'exists', target: { field: 'spanId' } }
  const asked = { filter, limit: MAX_TRACES, matchesPerTrace: 1 }
  const early = await collectSearch(store.search({ ...asked, from: 1n, to: YEAR_2000 - 1n }, limits))
  const ahead = await collectSearch(store.search({ ...asked, from: now + AHEAD }, limits))
  const groups = Map.groupBy(early.traces, ({ start }) =>
    UNITS.find(({ factor }) => start * factor > now - NEAR && start * factor < now + NEAR),
  )
  const found = [...groups].map(([unit, traces]): FindingRow =>
    unit
      ? {
          id: JSON.stringify([unit.code]),
          code: unit.code,
          severity: 'error',
          what: `Times of spans are in ${unit.unit}, not in nanoseconds: they stand in 1970, and searches never find them.`,
          mend: 'startTimeUnixNano and endTimeUnixNano count nanoseconds since 1970.',
          lines: [{ kind: 'code', text: unit.line }],
          ...shown(traces),
        }
      : {
          id: JSON.stringify(['times_before_2000']),
          code: 'times_before_2000',
          severity: 'error',
          what: 'Spans start before the year 2000: searches of the last hours never find them.',
          mend: 'Set the clock of that machine; in code, startTimeUnixNano counts nanoseconds since 1970.',
          lines: [{ kind: 'code', text: 'startTimeUnixNano: BigInt(Date.now()) * 1_000_000n' }],
          ...shown(traces),
        },
  )
  if (ahead.traces.length === 0) return found
  return [
    ...found,
    {
      id: JSON.stringify(['times_ahead']),
      code: 'times_ahead',
      severity: 'warning',
      what: 'Spans start more than half an hour ahead of the clock here.',
      mend: 'Set the clock of that machine by NTP, or that of this one; whole hours are local time that was taken for UTC.',
      lines: [{ kind: 'shell', text: 'timedatectl set-ntp true' }],
      ...shown(ahead.traces),
    },
  ]
}

function shown(
  traces: readonly TraceSummary[],
): Pick<FindingRow, 'where' | 'services' | 'count' | 'firstSeenMs' | 'lastSeenMs' | 'spans'> {
  const services = [...new Set(traces.flatMap((trace) => trace.services.map(({ name }) => name)))]
  const starts = traces.map(({ start }) => Number(start / 1_000_000n))
  return {
    where: `service ${services.slice(0, 3).join(', ')}`,
    services,
    count: traces.length,
    firstSeenMs: Math.min(...starts),
    lastSeenMs: Math.max(...starts),
    spans: traces.flatMap(({ traceId, matched }) => {
      const spanId = matched?.first[0]?.spanId
      return spanId === undefined ? [] : [{ traceId, spanId }]
    }),
  }
}
