import { numberText, type Figure } from '../../figure.ts'
import type { Asked } from './ask.ts'
import type { Filled } from './filled.ts'

/** Cores taken by others from which on times say more of them than of the server. */
const DISTURBING = 0.3

/** What filling a store has cost, and what it takes on disk. */
export function sizes(filled: Filled): Figure[] {
  const total = (bytes: Readonly<Record<string, number>>) => Object.values(bytes).reduce((sum, size) => sum + size, 0)
  const parts = (bytes: Readonly<Record<string, number>>) =>
    Object.entries(bytes)
      .filter(([, size]) => size > 1e5)
      .map(([extension, size]) => `${extension} ${(size / filled.spans).toFixed(1)}`)
      .join(', ')
  const { openBytes, settledBytes, spans } = filled
  return [
    { name: 'ingest', unit: 'ns/span', value: filled.ingestNs, note: `CPU; ${(spans / 1e6).toFixed(2)} M spans` },
    { name: 'sealing', unit: 'ns/span', value: filled.sealingNs, goal: { value: 3_000 }, note: 'CPU of its thread' },
    { name: 'peak memory of filling', unit: 'MB', value: filled.peakBytes / 1e6 },
    { name: 'on disk, all acknowledged', unit: 'bytes/span', value: total(openBytes) / spans, note: parts(openBytes) },
    {
      name: 'on disk, at rest',
      unit: 'bytes/span',
      value: total(settledBytes) / spans,
      goal: { value: 40 },
      note: parts(settledBytes),
    },
  ]
}

/** What a question takes. `circumstance`: when it was asked; without `cpu` where the process has other work beside. */
export function rowsOf(
  { question, times, p50, p95, cpu, others, told }: Asked,
  circumstance = '',
  counted = true,
): Figure[] {
  const { name, budget } = question
  const goal = (value: number | undefined) => (value === undefined ? {} : { goal: { value } })
  const disturbed = others > DISTURBING ? `others took ${numberText(others)} cores` : undefined
  const note = [`median ${numberText(p50)} of ${times}`, disturbed, told].filter(Boolean).join('; ')
  const rows: Figure[] = [{ name: `${name}${circumstance}, p95`, unit: 'ms', value: p95, ...goal(budget.p95), note }]
  if (counted) rows.push({ name: `${name}${circumstance}, CPU`, unit: 'ms', value: cpu, ...goal(budget.cpu) })
  return rows
}
