/** `spoor collector tap`: the next items at an edge of a collector's graph; without an edge, the edges. */
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { didYouMean, type EdgesStatus, STATUS_PATHS } from '@spoor/collector'
import type { Io } from '../cli-output.ts'
import { SpoorError } from '../error.ts'
import { tableLines } from '../tools/table.ts'
import { findCollector, type StatusClient } from './status-client.ts'
import { itemLines, type TappedRequest } from './tap-view.ts'
import { terminalOf } from './terminal.ts'

type Edge = EdgesStatus['edges'][number]

export interface TapOptions {
  readonly endpoint: string | undefined
  /** `PIPELINE:COMPONENT`, or the component alone where it is in one pipeline. */
  readonly edge: string | undefined
  readonly count: number
  readonly redact: readonly string[]
  /** Lines of OTLP/JSON, else for people. */
  readonly json: boolean
}

/** Resolves with the exit code when it has shown as many as were asked for, or was told to stop. Rejects with SpoorError. */
export async function tap(options: TapOptions, io: Io): Promise<number> {
  const client = await findCollector(options.endpoint)
  const { edges } = (await (await client.get(STATUS_PATHS.tap)).json()) as EdgesStatus
  if (options.edge === undefined) {
    io.stdout.write(`${edgeLines(edges).join('\n')}\n`)
    return 0
  }
  await show(client, edgeNamed(options.edge, edges), options, io)
  return 0
}

function edgeLines(edges: readonly Edge[]): string[] {
  const columns = [{ name: 'EDGE' }, { name: 'FROM' }, { name: 'TO' }, { name: 'SHOWS' }]
  const items = { traces: 'spans', metrics: 'data points', logs: 'log records' }
  const rows = edges.map(({ id, from, to, signal }) => [id, from.join(', '), to, items[signal]])
  const example = edges[0] ? ['', `  spoor collector tap ${edges[0].id} --count 3`] : []
  return ['', ...tableLines(columns, rows), ...example, '']
}

function edgeNamed(name: string, edges: readonly Edge[]): Edge {
  const exact = edges.find(({ id }) => id === name)
  const byComponent = edges.filter(({ to }) => to === name)
  if (exact) return exact
  if (byComponent[0] && byComponent.length === 1) return byComponent[0]
  const known = byComponent.length > 1 ? byComponent : edges
  const names = known.map(({ id }) => id)
  const what =
    byComponent.length > 1 ? `${name} is in several pipelines` : `there is no edge ${name}${didYouMean(name, names)}`
  throw new SpoorError('option', `${what}; there are: ${names.join(', ')}`)
}

async function show(client: StatusClient, edge: Edge, { count, redact, json }: TapOptions, io: Io): Promise<void> {
  const query = new URLSearchParams({ edge: edge.id, count: String(count), redact: redact.join(',') })
  const over = new AbortController()
  const end = (): void => over.abort()
  process.once('SIGINT', end).once('SIGTERM', end)
  const terminal = terminalOf(io.stdout)
  if (terminal.columns !== undefined && !json)
    io.stdout.write(`${terminal.tone('gray', `  waiting for the next ${count} at ${edge.id}; Ctrl-C stops`)}\n\n`)
  let shown = 0
  try {
    const { body } = await client.get(`${STATUS_PATHS.tap}?${query.toString()}`, over.signal)
    const lines = createInterface({ input: Readable.fromWeb(body as never), crlfDelay: Infinity })
    for await (const line of lines) {
      if (line === '') continue
      const item = JSON.parse(line) as TappedRequest & { missed?: number }
      if (item.missed !== undefined) {
        io.stderr.write(`${item.missed} more went by faster than they could be shown\n`)
      } else {
        shown++
        io.stdout.write(json ? `${line}\n` : `${itemLines(item, terminal).join('\n')}\n`)
      }
    }
  } catch (error) {
    if (over.signal.aborted) return
    if (error instanceof SpoorError) throw error
    throw new SpoorError('unreachable', `${client.address}: the tap ended: ${(error as Error).message}`, {
      cause: error,
    })
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end)
  }
  if (shown < count) io.stderr.write(`the collector ended the tap after ${shown} of ${count}\n`)
}
