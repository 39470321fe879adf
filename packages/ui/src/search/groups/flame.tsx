import { formatDuration } from '@spoor/otlp'
import { useQuery } from '@tanstack/react-query'
import type { FlameResponse } from 'spoor/api'
import { useMemo, useState } from 'react'
import { FlameCanvas } from '../../flame/flame-canvas.tsx'
import type { FlamePaint } from '../../flame/flame-draw.ts'
import { formatCount, formatCounted, formatShare } from '../../format/numbers.ts'
import { slotOf } from '../../service-color/kept-colors.ts'
import { without } from '../../url/without.ts'
import type { FlameMeasure, SearchUrl } from '../search-url.ts'
import { Answer } from './answer.tsx'
import { FlameTable, LongestLink, PathName, SearchLink } from './flame-table.tsx'
import styles from './flame.module.css'
import { type FoldedNode, foldedNodes, foldedShape } from './folded.ts'
import { flameQuery } from './queries.ts'

const shows = [
  {
    key: 'total',
    label: 'Total',
    help: 'As wide as the durations of its spans together, or of those below where these ran beside each other',
  },
  {
    key: 'self',
    label: 'Self',
    help: 'As wide as the time in which its spans, and those below, did not wait for others',
  },
  { key: 'critical', label: 'Waited for', help: 'As wide as what the requests waited for it and for all below' },
  { key: 'table', label: 'Table', help: 'The same in numbers' },
] as const

/** The call paths of all traces that match, folded into one flame graph. */
export function Flame({ url, onChange }: { url: SearchUrl; onChange: (url: SearchUrl) => void }) {
  const result = useQuery(flameQuery(url))
  return (
    <Answer label="Flame graph" result={result}>
      {(data) => <Folded data={data} url={url} onChange={onChange} />}
    </Answer>
  )
}

function Folded({ data, url, onChange }: { data: FlameResponse; url: SearchUrl; onChange: (url: SearchUrl) => void }) {
  const shown = url.flame ?? 'total'
  // A path, not its place: another answer may have it elsewhere.
  const [path, setPath] = useState<string>()
  const nodes = useMemo(() => foldedNodes(data), [data])
  const focus = path === undefined ? -1 : nodes.findIndex((node) => node.kind === 'frame' && node.path === path)
  const focused = nodes[focus]
  if (nodes.length === 0) return <p className={styles.told}>No trace matches.</p>
  return (
    <>
      <div className={styles.bar}>
        <p className={styles.told}>
          {shown !== 'table' && focused?.kind === 'frame' ? (
            <>
              <PathName service={focused.times.service} name={focused.times.name} /> {figuresOf(focused, data)}
              <LongestLink frame={focused.times}>Longest trace</LongestLink>
              <SearchLink url={url} frame={focused.times}>
                Search these
              </SearchLink>
              <button type="button" title="Esc" onClick={() => setPath(undefined)}>
                Show all
              </button>
            </>
          ) : (
            toldOf(data)
          )}
        </p>
        <div className={styles.shows} role="group" aria-label="Shown">
          {shows.map(({ key, label, help }) => (
            <button
              key={key}
              type="button"
              title={help}
              aria-pressed={key === shown}
              onClick={() => onChange({ ...without(url, ['flame']), ...(key !== 'total' && { flame: key }) })}
            >
              {label}
            </button>
          ))}
        </div>
      </div>
      {shown === 'table' ? (
        <FlameTable data={data} nodes={nodes} url={url} />
      ) : (
        <div className={styles.graph}>
          <Graph
            data={data}
            nodes={nodes}
            by={shown}
            focus={focus}
            onFocus={(node) => {
              const chosen = nodes[node]
              if (chosen?.kind !== 'others') setPath(chosen?.path)
            }}
          />
        </div>
      )}
    </>
  )
}

function Graph(props: {
  data: FlameResponse
  nodes: readonly FoldedNode[]
  by: FlameMeasure
  focus: number
  onFocus: (node: number) => void
}) {
  const { data, nodes, by } = props
  const shape = useMemo(() => foldedShape(nodes, by), [nodes, by])
  const paint = useMemo(() => paintOf(nodes), [nodes])
  return (
    <FlameCanvas
      shape={shape}
      paint={paint}
      label={`Call paths of ${formatCounted(data.traces, 'trace')}, ${formatCounted(data.frames.length, 'path')}. The table has the same in numbers.`}
      focus={props.focus}
      onFocus={props.onFocus}
      walkable
      tip={(node) => {
        const at = nodes[node]!
        return (
          <>
            {at.kind === 'frame' ? (
              <PathName service={at.times.service} name={at.times.name} />
            ) : (
              <b>{formatCounted(at.times.frames, 'more path')}</b>
            )}
            <br />
            {figuresOf(at, data)}
            {by !== 'total' && ` · with all below ${formatDuration(shape.width[node]!)}`}
          </>
        )
      }}
    />
  )
}

/** Calls, times and errors of a node, in words. */
function figuresOf({ kind, times }: FoldedNode, data: FlameResponse): string {
  const { calls, errors, totalNs, selfNs, criticalNs } = times
  return [
    formatCounted(calls, 'call'),
    `total ${formatDuration(totalNs)}`,
    `self ${formatDuration(selfNs)}`,
    `waited for ${formatDuration(criticalNs)}, ${formatShare(criticalNs / (data.requestNs || 1))}`,
    ...(errors > 0 ? [formatCounted(errors, 'error')] : []),
    ...(kind === 'frame' ? [`in ${formatCounted(times.traces, 'trace')}`] : []),
  ].join(' · ')
}

/** What the whole is of. */
function toldOf({ traces, sampled, requestNs, frames, others }: FlameResponse): string {
  const more = frames.reduce((sum, frame) => sum + (frame.others?.frames ?? 0), others?.frames ?? 0)
  return [
    sampled ? `The last ${formatCount(traces)} traces of those that match` : formatCounted(traces, 'trace'),
    `requests of ${formatDuration(requestNs)} together`,
    formatCounted(frames.length, 'call path'),
    ...(more > 0 ? [`${formatCount(more)} more with less time, in grey`] : []),
  ].join(' · ')
}

function paintOf(nodes: readonly FoldedNode[]): FlamePaint {
  const slots = nodes.map((node) => (node.kind === 'frame' ? slotOf(node.times.service) : undefined))
  return {
    words: (index) => {
      const { kind, times } = nodes[index]!
      if (kind === 'others') return formatCounted(times.frames, 'more path')
      return `${times.service || 'no service'}  ${times.name || 'no name'} ×${formatCount(times.calls)}`
    },
    slot: (index) => slots[index],
    hasErrors: (index) => nodes[index]!.times.errors > 0,
  }
}
