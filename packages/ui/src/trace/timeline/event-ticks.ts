import { shown } from '../../format/outside.ts'
import { formatDuration } from '@spoor/otlp'
import { spanOf, type Trace } from '@spoor/trace'
import type { LoadedTrace } from '../loaded-trace.ts'
import type { TimeWindow } from '../trace-view.ts'

export interface EventTick {
  /** Share 0-1 of the width in view. */
  readonly share: number
  /** Names and offsets of the events there. */
  readonly title: string
}

/** Names in one title at most. */
const titleNames = 4

/** Times and names of a row's events; kept as long as the trace, since decoding them again at each scroll would be waste. */
const decoded = new WeakMap<Trace, Map<number, readonly { offsetNs: number; name: string }[]>>()

/** The events of a span as ticks within the window; those closer than two pixels are one. */
export function eventTicks(loaded: LoadedTrace, row: number, window: TimeWindow, width: number): EventTick[] {
  const length = window.to - window.from
  const ticks: { share: number; names: string[] }[] = []
  for (const event of eventsOf(loaded, row)) {
    const share = (event.offsetNs - window.from) / length
    if (share < 0 || share > 1) continue
    const name = `${shown(event.name, 200)} at ${formatDuration(event.offsetNs)}`
    const last = ticks.at(-1)
    if (last && (share - last.share) * width < 2) last.names.push(name)
    else ticks.push({ share, names: [name] })
  }
  return ticks.map(({ share, names }) => ({
    share,
    title:
      names.length > titleNames
        ? `${names.slice(0, titleNames).join('\n')}\n${names.length - titleNames} more`
        : names.join('\n'),
  }))
}

function eventsOf({ trace, aheadNs }: LoadedTrace, row: number): readonly { offsetNs: number; name: string }[] {
  let rows = decoded.get(trace)
  if (!rows) decoded.set(trace, (rows = new Map()))
  let events = rows.get(row)
  if (!events) {
    const ahead = aheadNs?.[row] ?? 0
    events = spanOf(trace, row)
      .span.events.map((event) => ({ offsetNs: Number(event.timeUnixNano - trace.start) - ahead, name: event.name }))
      .sort((a, b) => a.offsetNs - b.offsetNs)
    rows.set(row, events)
  }
  return events
}
