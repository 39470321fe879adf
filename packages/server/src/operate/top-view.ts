/** What `spoor collector top` shows, as lines. */
import type { CollectorStatus, Figures, SenderReport, SendersStatus, StatusEvent } from '@spoor/collector'
import type { FollowedCollector, PipelinesResponse } from '../api.ts'
import { type Column, tableLines } from '../tools/table.ts'
import { age, figure, plain, type Terminal, type Tone } from './terminal.ts'

/** One look at a collector. */
export interface Look {
  readonly pipelines: CollectorStatus & Partial<PipelinesResponse>
  readonly senders: SendersStatus
}

const TONES: Readonly<Record<string, Tone>> = {
  ok: 'green',
  recoverable_error: 'yellow',
  starting: 'yellow',
  stopping: 'yellow',
  permanent_error: 'red',
  fatal_error: 'red',
}
/** Senders that are listed. */
const MAX_SENDERS = 15

/** `before`: an earlier look, for the rates. */
export function topLines(address: string, now: Look, before: Look | undefined, terminal: Terminal): string[] {
  const { pipelines, senders } = now
  const lines = [
    '',
    `  ${terminal.tone('bold', 'spoor')} ${pipelines.version}  ${address}  ${state(pipelines.status, pipelines.atMs, terminal)}  running for ${age(pipelines.atMs - pipelines.startedAtMs)}`,
    '',
    ...pipelineLines(pipelines, before?.pipelines, terminal),
    '',
    ...senderLines(senders, pipelines.atMs, terminal),
  ]
  for (const collector of pipelines.collectors ?? []) {
    const earlier = before?.pipelines.collectors?.find((each) => each.address === collector.address)
    lines.push('', ...collectorLines(collector, earlier, terminal))
  }
  return [...lines, '']
}

function collectorLines(
  { address, status, error }: FollowedCollector,
  before: FollowedCollector | undefined,
  terminal: Terminal,
): string[] {
  const title = `  ${terminal.tone('bold', 'collector')} ${address}`
  if (!status) return [`${title}  ${terminal.tone('yellow', plain(error ?? 'no answer', 200))}`]
  return [
    `${title}  ${state(status.status, status.atMs, terminal)}`,
    '',
    ...pipelineLines(status, before?.status, terminal),
  ]
}

const PIPELINE_COLUMNS: readonly Column[] = [
  { name: 'PIPELINE' },
  { name: 'COMPONENT' },
  { name: 'STATUS' },
  { name: 'IN/S', figures: true },
  { name: 'OUT/S', figures: true },
  { name: 'IN', figures: true },
  { name: 'OUT', figures: true },
  { name: 'QUEUE', figures: true },
  { name: 'KEPT', figures: true },
  { name: 'LOST OR REFUSED' },
]

function pipelineLines(now: CollectorStatus, before: CollectorStatus | undefined, terminal: Terminal): string[] {
  const seconds = before ? (now.atMs - before.atMs) / 1000 : 0
  const rows: string[][] = []
  const troubles: string[] = []
  for (const { id: pipeline, components } of now.pipelines) {
    const earlier = before?.pipelines.find((each) => each.id === pipeline)
    for (const [index, { kind, id, status, figures }] of components.entries()) {
      const then = earlier?.components.find((each) => each.kind === kind && each.id === id)?.figures
      const rate = (key: 'in' | 'out'): string => {
        const [value, old] = [figures[key], then?.[key]]
        return value === undefined || old === undefined || seconds <= 0
          ? ''
          : figure(Math.max(0, value - old) / seconds, 1)
      }
      rows.push([
        index === 0 ? pipeline : '',
        `${kind} ${id}`,
        status.status.replace('_', ' '),
        rate('in'),
        rate('out'),
        figure(figures.in),
        figure(figures.out),
        queue(figures),
        figures.kept ? figure(figures.kept) : '',
        reasons(figures.failed),
      ])
      if (status.message !== '')
        troubles.push(`${kind} ${id}  ${age(now.atMs - status.sinceMs)}: ${plain(status.message, 300)}`)
    }
  }
  const lines = filledTable(PIPELINE_COLUMNS, rows)
  const unique = [...new Set(troubles)].map((line) => `  ${terminal.tone('yellow', '!')} ${line}`)
  return [...toned(lines, terminal), ...(unique.length > 0 ? ['', ...unique] : [])]
}

const SENDER_COLUMNS: readonly Column[] = [
  { name: 'SENDER' },
  { name: 'USER AGENT' },
  { name: 'TO' },
  { name: 'SEEN', figures: true },
  { name: 'ITEMS/MIN', figures: true },
  { name: 'TAKEN', figures: true },
  { name: 'SERVICE (SDK)' },
  { name: 'REFUSED' },
]

function senderLines({ senders, forgotten, capacity }: SendersStatus, nowMs: number, terminal: Terminal): string[] {
  if (senders.length === 0) return ['  nobody has sent anything yet']
  const shown = senders.slice(0, MAX_SENDERS)
  const rows = shown.map((sender) => [
    sender.peer || '?',
    plain(sender.userAgent, 40) || '-',
    `${sender.receiver} ${sender.transport}`,
    age(nowMs - sender.lastSeenMs),
    figure(sender.itemsPerMinute),
    figure(sender.ok),
    origins(sender),
    refusals(sender)
      .map(([reason, count]) => `${reason} ${figure(count)}`)
      .join(', '),
  ])
  const details = shown.flatMap(({ peer, userAgent, attention }) =>
    attention.map(({ code, what, lines }) => ({
      what: `${peer} ${plain(userAgent, 40)}  ${code}: ${plain(what, 300)}`,
      line: lines.length > 0 ? plain(lines[0]!.text, 300) : '',
    })),
  )
  const more = senders.length - shown.length
  return [
    ...toned(filledTable(SENDER_COLUMNS, rows), terminal),
    ...(details.length > 0 ? [''] : []),
    ...details.flatMap(({ what, line }) => [
      `  ${terminal.tone('yellow', '!')} ${what}`,
      ...(line === '' ? [] : [`      ${terminal.tone('green', line)}`]),
    ]),
    ...(more > 0 ? [`  and ${figure(more)} more`] : []),
    ...(forgotten > 0
      ? [`  ${figure(forgotten)} seen longest ago were forgotten (${figure(capacity)} are known at a time)`]
      : []),
  ]
}

function origins({ sampled: { resources } }: SenderReport): string {
  const [first, ...others] = resources.toReversed()
  if (!first) return ''
  const sdk = [first.language, first.sdkVersion].filter((part) => part !== '').join(' ')
  const more = others.length > 0 ? ` +${others.length}` : ''
  return `${plain(first.service, 30) || '?'}${sdk === '' ? '' : ` (${plain(sdk, 30)})`}${more}`
}

function refusals({ outcomes }: SenderReport): readonly (readonly [reason: string, count: number])[] {
  return Object.entries(outcomes)
    .filter(([reason]) => reason !== 'preflight')
    .map(([reason, { count }]) => [reason, count])
}

function queue({ queue: filled }: Figures): string {
  if (!filled) return ''
  const share = filled.capacity > 0 ? Math.round((100 * filled.size) / filled.capacity) : 0
  return `${figure(filled.size)} (${share} %)`
}

function reasons(failed: Readonly<Record<string, number>>): string {
  return Object.entries(failed)
    .map(([reason, items]) => `${reason} ${figure(items)}`)
    .join(', ')
}

function state({ status, sinceMs }: StatusEvent, nowMs: number, terminal: Terminal): string {
  const since = sinceMs > 0 ? ` for ${age(nowMs - sinceMs)}` : ''
  return `${terminal.tone(TONES[status] ?? 'gray', status.replace('_', ' '))}${since}`
}

/** Without the columns in which nothing is, as a terminal is narrow. */
function filledTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const isFilled = (_: unknown, at: number): boolean => rows.some((row) => row[at] !== '')
  return tableLines(
    columns.filter(isFilled),
    rows.map((row) => row.filter(isFilled)),
  )
}

/** Cut to the terminal, and then coloured: the heads, and the states. */
function toned(lines: readonly string[], terminal: Terminal): string[] {
  const [head = '', ...rows] = lines.map((line) => cut(line, terminal.columns))
  const colour = (line: string): string =>
    line.replace(/\b(recoverable error|permanent error|fatal error)\b/, (name) =>
      terminal.tone(TONES[name.replace(' ', '_')] ?? 'gray', name),
    )
  return [terminal.tone('gray', head), ...rows.map(colour)]
}

function cut(line: string, columns: number | undefined): string {
  return columns === undefined || line.length <= columns ? line : `${line.slice(0, Math.max(1, columns - 1))}…`
}
