/** What a soak has shown, as lines: a table of faults, one of processes, and a verdict. */
import { isAffected, ODD_KINDS } from './judge.ts'
import type { Odd, OddKind, OnTime, Sent } from './judge.ts'
import type { MemoryUse } from './memory.ts'

/** A run that is over. */
export interface SoakResult {
  readonly page: string
  readonly minutes: number
  readonly rate: number
  readonly seed: number
  readonly sent: readonly Sent[]
  readonly faults: readonly OnTime[]
  readonly odd: readonly Odd[]
  readonly memory: readonly MemoryUse[]
}

/** Less is all beginning: caches fill, code is compiled. */
const MINUTES_FOR_MEMORY = 10
/** So many of what no fault explains are told one by one. */
const MOST_TOLD = 20

const column = (text: string | number): string => String(text).padStart(9)

/** @returns The lines, and whether all is well. */
export function report(result: SoakResult): { readonly lines: readonly string[]; readonly good: boolean } {
  const { page, minutes, rate, seed, sent, memory, odd } = result
  const seconds = (Math.max(...sent.map(({ to }) => to)) - Math.min(...sent.map(({ from }) => from))) / 1000
  const without = odd.filter(({ by }) => by === undefined)
  const isLong = minutes >= MINUTES_FOR_MEMORY
  const grown = memory.filter(({ grows }) => grows === true)
  const lines = [
    `  ${sent.length} requests in ${seconds.toFixed(0)} s, ${(sent.length / seconds).toFixed(1)} a second (${rate} asked for), seed ${seed}`,
    '',
    `  ${'fault'.padEnd(20)}${'at'.padEnd(22)}${column('requests')}${ODD_KINDS.map(column).join('')}`,
    ...faultRows(result),
    '',
    `  ${'process'.padEnd(24)}${['2nd quarter', '3rd', 'last', 'most'].map((text) => text.padStart(13)).join('')}  MB of RSS; quarters without faults`,
    ...memory.map(memoryRow),
    '',
    ...without
      .slice(0, MOST_TOLD)
      .map(
        ({ kind, traceId, services, from, reason = '' }) =>
          `  ✗ ${kind}: ${page}/trace/${traceId} at ${new Date(from).toISOString()} ${services.join(', ')}${reason}`,
      ),
    ...(without.length > MOST_TOLD ? [`  ✗ and ${without.length - MOST_TOLD} more`] : []),
    without.length === 0
      ? '  ✓ Each failure, orphan and trace that is not whole is of a fault that was on.'
      : `  ✗ ${without.length} are explained by no fault that was on.`,
    memoryVerdict(memory, isLong),
  ]
  return { lines, good: without.length === 0 && sent.length > 0 && (!isLong || grown.length === 0) }
}

function faultRows({ sent, faults, odd }: SoakResult): string[] {
  const during = (on: OnTime): number => sent.filter((one) => isAffected(on, one)).length
  const row = (fault: string, at: string, requests: number, own: readonly Odd[]): string =>
    `  ${fault.padEnd(20)}${at.padEnd(22)}${column(requests)}${ODD_KINDS.map((kind) => column(count(own, kind))).join('')}`
  const byPlace = Map.groupBy(faults, ({ fault, at }) => `${fault} ${at}`)
  const rows = [...byPlace.values()].map((all) => {
    const [first] = all
    const requests = all.reduce((sum, one) => sum + during(one), 0)
    const own = odd.filter(({ by }) => by !== undefined && all.includes(by))
    return row(first?.fault ?? '', first?.at ?? '', requests, own)
  })
  const without = odd.filter(({ by }) => by === undefined)
  return [...rows.sort(), row('all', '', sent.length, odd), row('not explained', '', 0, without)]
}

function count(odd: readonly Odd[], kind: OddKind): number | string {
  const number = odd.filter((one) => one.kind === kind).length
  return number === 0 ? '·' : number
}

function memoryRow({ name, quarters, most, lives, grows }: MemoryUse): string {
  const cells = [...quarters, most].map((value) => (Number.isNaN(value) ? '·' : value.toFixed(0)).padStart(13))
  const again = lives > 1 ? `  started ${lives} times` : ''
  return `  ${name.padEnd(24)}${cells.join('')}${grows === true ? '  grows' : ''}${again}`
}

function memoryVerdict(memory: readonly MemoryUse[], isLong: boolean): string {
  if (memory.length === 0) return '  - Memory is not looked at: there is no /proc.'
  if (!isLong) return `  - Memory is told and not judged: it takes ${MINUTES_FOR_MEMORY} minutes until caches are full.`
  const named = (wanted: boolean | undefined): string =>
    memory.flatMap(({ name, grows }) => (grows === wanted ? [name] : [])).join(', ')
  if (named(true) !== '') return `  ✗ Memory grows from quarter to quarter: ${named(true)}`
  const unknown = named(undefined)
  return `  ✓ Memory does not go on growing.${unknown === '' ? '' : ` Not judged, for want of quiet looks: ${unknown}`}`
}
