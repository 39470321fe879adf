import { formatDuration } from '@spoor/otlp'
import { SpanFlag } from '@spoor/trace'
import { memo } from 'react'
import { formatCount, formatShare } from '../../format/numbers.ts'
import { initialsOf } from '../../service-color/service-color.ts'
import { hueStyle } from '../../service-color/hue.ts'
import type { LoadedTrace } from '../loaded-trace.ts'
import { barOf, labelSide, type Piece } from '../timeline-geometry.ts'
import type { TimeWindow } from '../trace-view.ts'
import { eventTicks } from './event-ticks.ts'
import styles from './timeline.module.css'

/** Pixels that a duration beside a bar needs. */
const labelRoom = 64

/** Depth up to which a level indents by a full step, the timeline's `--indent`; deeper levels go by less and less. */
const indentLevels = 24

const at = (piece: Piece) => ({ left: `${piece.left * 100}%`, width: `${piece.width * 100}%` })

export const TimelineRow = memo(
  function TimelineRow(props: {
    row: number
    index: number
    /** Pixels from the top of what holds the rows. */
    top: number
    loaded: LoadedTrace
    window: TimeWindow
    barWidth: number
    collapsed: boolean
    selected: boolean
    /** Whether it is on the way from the root to the culprit. */
    lit: boolean
    /** Whether the find text is in the span; `none` when nothing is looked for. */
    match: 'none' | 'match' | 'other'
    onSelect: (row: number) => void
    onZoom: (row: number) => void
    onToggle: (row: number) => void
    onHover: (row: number) => void
  }) {
    const { row, loaded } = props
    const { trace, slots } = loaded
    const slot = slots[trace.service[row]!]!
    const children = trace.childCount[row]!
    return (
      <div
        id={`span-${row}`}
        className={`hue ${styles.row}`}
        role="row"
        aria-level={trace.depth[row]! + 1}
        aria-rowindex={props.index + 1}
        aria-selected={props.selected}
        aria-expanded={children > 0 ? !props.collapsed : undefined}
        data-match={props.match}
        data-lit={props.lit}
        style={{ ...hueStyle(slot), top: props.top }}
        onClick={() => props.onSelect(row)}
        onDoubleClick={() => props.onZoom(row)}
        onPointerEnter={() => props.onHover(row)}
      >
        <NameCell {...props} />
        <BarCell {...props} />
      </div>
    )
  },
  // Handlers are made anew on each render and always do the same.
  (a, b) =>
    a.row === b.row &&
    a.index === b.index &&
    a.top === b.top &&
    a.loaded === b.loaded &&
    a.window === b.window &&
    a.barWidth === b.barWidth &&
    a.collapsed === b.collapsed &&
    a.selected === b.selected &&
    a.lit === b.lit &&
    a.match === b.match,
)

function NameCell(props: { row: number; loaded: LoadedTrace; collapsed: boolean; onToggle: (row: number) => void }) {
  const { row, collapsed } = props
  const { trace, verdict } = props.loaded
  const service = trace.services[trace.service[row]!]! || 'no service'
  const name = trace.names[trace.name[row]!]! || 'no name'
  const parent = trace.parent[row]!
  const sameService = parent >= 0 && trace.service[parent] === trace.service[row]
  const children = trace.childCount[row]!
  const failed = trace.status[row] === 2
  const flags = trace.flags[row]!
  const isOrigin = verdict.error?.row === row
  const share = verdict.shares.find((share) => share.row === row)
  const hiddenError = collapsed && (flags & SpanFlag.errorBelow) !== 0
  const depth = trace.depth[row]!
  const level = depth <= indentLevels ? depth : indentLevels + Math.log2(1 + depth - indentLevels)
  return (
    <div
      className={styles.name}
      role="gridcell"
      style={{ paddingLeft: `min(4px + ${level} * var(--indent), var(--name-width) - 140px)` }}
      title={`${service}  ${name}`}
    >
      {children > 0 && (
        <button
          type="button"
          tabIndex={-1}
          className={styles.toggle}
          aria-label={collapsed ? 'Expand' : 'Collapse'}
          data-collapsed={collapsed}
          onClick={(event) => {
            event.stopPropagation()
            props.onToggle(row)
          }}
        />
      )}
      <i className={styles.chip}>{initialsOf(service)}</i>
      {!sameService && <b className={styles.service}>{service}</b>}
      <span className={styles.operation}>{name}</span>
      {collapsed && <span className={styles.hiddenCount}>+{formatCount(trace.subtreeEnd[row]! - row - 1)}</span>}
      {(flags & SpanFlag.orphan) !== 0 && (
        <span className={styles.mark} title="Its parent is not in the trace">
          orphan
        </span>
      )}
      {trace.linkCount[row]! > 0 && (
        <span className={styles.mark} title={`${trace.linkCount[row]} links`}>
          link
        </span>
      )}
      {share && (
        <span className={styles.share} title="Of the request's time, with all others of this operation">
          {formatShare(share.share)}
        </span>
      )}
      {(failed || hiddenError) && (
        <span
          className={styles.failed}
          data-below={!isOrigin}
          role="img"
          aria-label={failed ? 'error' : 'error below'}
          title={isOrigin ? 'Where it failed first' : failed ? 'Status error' : 'An error below'}
        >
          !
        </span>
      )}
    </div>
  )
}

function BarCell(props: { row: number; loaded: LoadedTrace; window: TimeWindow; barWidth: number }) {
  const { row, window, barWidth } = props
  const { trace, critical } = props.loaded
  const bar = barOf(trace, critical, row, window, 1.5 / barWidth)
  if (!bar.whole) {
    const before = trace.startNs[row]! < window.from
    return (
      <div className={styles.bars} role="gridcell">
        <span
          className={styles.away}
          data-side={before ? 'left' : 'right'}
          title={before ? 'Earlier than what is shown' : 'Later than what is shown'}
        >
          {before ? '‹' : '›'}
        </span>
      </div>
    )
  }
  const whole = bar.whole
  const side = labelSide(whole, labelRoom / barWidth)
  const label = formatDuration(trace.durationsNs[row]!)
  const edge = whole.left + whole.width
  const endsInside = trace.startNs[row]! + trace.durationsNs[row]! <= window.to
  const labelStyle =
    side === 'right'
      ? { left: `calc(max(${edge * 100}%, ${whole.left * 100}% + 2px) + 6px)` }
      : { right: `calc(${(1 - (side === 'left' ? whole.left : edge)) * 100}% + 6px)` }
  return (
    <div className={styles.bars} role="gridcell">
      <div className={styles.bar} style={at(whole)} data-failed={trace.status[row] === 2} />
      {bar.tail && <div className={styles.tail} style={at(bar.tail)} />}
      {bar.critical.map((piece) => (
        <div key={piece.left} className={styles.critical} style={at(piece)} />
      ))}
      {trace.status[row] === 2 && endsInside && <div className={styles.cap} style={{ left: `${edge * 100}%` }} />}
      {trace.eventCount[row]! > 0 &&
        eventTicks(props.loaded, row, window, barWidth).map((tick) => (
          <div key={tick.share} className={styles.event} style={{ left: `${tick.share * 100}%` }} title={tick.title} />
        ))}
      <span className={styles.label} data-side={side} style={labelStyle}>
        {label}
      </span>
    </div>
  )
}
