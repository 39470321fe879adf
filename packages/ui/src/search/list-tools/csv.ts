import type { TraceRow } from 'spoor/api'

const columns: readonly (readonly [name: string, of: (row: TraceRow) => string | number])[] = [
  ['trace_id', (row) => row.traceId],
  ['start', (row) => isoOf(row.start)],
  ['service', (row) => row.rootService],
  ['name', (row) => row.rootName],
  ['request_duration_ns', (row) => row.requestDurationNs],
  ['tail_ns', (row) => row.tailNs],
  ['duration_ns', (row) => row.durationNs],
  ['spans', (row) => row.spans],
  ['errors', (row) => row.errors],
  ['orphans', (row) => row.orphans],
  ['services', (row) => row.services.map(({ name }) => name).join(' ')],
]

/** Rows as RFC 4180 has it, with a head. */
export function csvOf(rows: readonly TraceRow[]): string {
  const lines = [columns.map(([name]) => name), ...rows.map((row) => columns.map(([, of]) => of(row)))]
  return lines.map((cells) => `${cells.map(cellOf).join(',')}\r\n`).join('')
}

function cellOf(value: string | number): string {
  if (typeof value === 'number') return String(value)
  // A spreadsheet would take it for a formula, and whoever sends spans may call them what they like.
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** With all of its nanoseconds, in UTC. */
function isoOf(nanoseconds: string): string {
  const ns = BigInt(nanoseconds)
  const seconds = new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 19)
  return `${seconds}.${String(ns % 1_000_000_000n).padStart(9, '0')}Z`
}
