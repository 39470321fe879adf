import { type KeyboardEvent, type MouseEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import { usePalette } from '../canvas/palette.ts'
import { prepareCanvas, useSize } from '../canvas/use-size.ts'
import { drawFlame, type FlamePaint, levelHeight } from './flame-draw.ts'
import { useKeys } from '../keyboard/use-keys.ts'
import styles from './flame.module.css'
import { type FlameShape, neighbour, nodeAt, viewOf } from './flame-shape.ts'

/** Canvases beyond this height are not painted by browsers. Pixels. */
const maxHeight = 16_000

interface Marked {
  readonly node: number
  readonly x: number
  readonly y: number
  /** Whether its tip stands above it, where there is more room. */
  readonly isLow: boolean
}

/** Heard while it has the focus. */
const walking = [{ help: 'Walk the call paths, zoom to one', shown: ['←', '↑', '↓', '→', 'Enter'] }]

/**
 * A flame graph. A click makes a node fill the width, one more or a double click shows all again; what that means for keys around it is its owner's.
 * `walkable`: it takes the focus, arrow keys mark nodes as the pointer does, Enter is a click, Escape shows all.
 */
export function FlameCanvas(props: {
  shape: FlameShape
  /** Keep its identity while nothing changes. */
  paint: FlamePaint
  /** What it is and where the same is told in words. */
  label: string
  /** The node that fills the width; -1 none. */
  focus: number
  onFocus: (node: number) => void
  onHover?: (node: number) => void
  tip: (node: number) => ReactNode
  walkable?: boolean
}) {
  const { shape, paint, focus, onFocus, onHover, walkable = false } = props
  const host = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const { width } = useSize(host)
  const palette = usePalette(host)
  const [marked, setMarked] = useState<Marked>()
  // What was marked may be gone from what is shown now.
  const shown = marked && marked.node < shape.size ? marked : undefined
  const height = Math.min(maxHeight, shape.levels * levelHeight)
  const view = viewOf(shape, focus)

  useEffect(() => {
    if (!canvas.current || !palette || width === 0) return
    const context = prepareCanvas(canvas.current, { width, height })
    if (context) drawFlame(context, { shape, paint, focus, marked: shown?.node ?? -1, width, palette })
  }, [shape, paint, focus, shown?.node, width, height, palette])

  const find = (event: MouseEvent) => {
    const bounds = event.currentTarget.getBoundingClientRect()
    const x = event.clientX - bounds.left
    const y = event.clientY - bounds.top
    const level = Math.floor(y / levelHeight)
    // Those above the focus fill the width.
    const isAbove = focus >= 0 && level < shape.depth[focus]!
    let node = isAbove ? focus : nodeAt(shape, level, view.fromNs + (x / width) * view.wideNs)
    while (node >= 0 && shape.depth[node]! > level) node = shape.parent[node]!
    return { node, x, y }
  }
  const mark = (node: number, x: number, y: number) => {
    const { top, room } = placeIn(host.current)
    setMarked(node < 0 ? undefined : { node, x, y, isLow: top + y > room / 2 })
    onHover?.(node)
  }
  useKeys('Flame graph', walkable ? walking : [])
  const choose = (node: number) => onFocus(node === focus ? -1 : node)
  const walk = (event: KeyboardEvent) => {
    const at = shown?.node ?? focus
    if (event.key.startsWith('Arrow')) {
      const node = neighbour(shape, at, focus, event.key)
      if (node >= 0) {
        const y = shape.depth[node]! * levelHeight
        const x = Math.max(0, ((shape.from[node]! - view.fromNs) / view.wideNs) * width)
        revealLevel(host.current, y)
        mark(node, x, y + levelHeight / 2)
      }
    } else if (event.key === 'Enter' && at >= 0) choose(at)
    else if (event.key === 'Escape' && focus >= 0) onFocus(-1)
    else return
    event.preventDefault()
  }
  return (
    <div
      ref={host}
      className={styles.host}
      {...(walkable && {
        role: 'group',
        'aria-label': 'Call paths: arrow keys walk, Enter zooms, Escape shows all',
        tabIndex: 0,
        onKeyDown: walk,
        onBlur: () => setMarked(undefined),
      })}
    >
      <canvas
        ref={canvas}
        style={{ height }}
        role="img"
        aria-label={props.label}
        onMouseMove={(event) => {
          const { node, x, y } = find(event)
          mark(node, x, y)
        }}
        onMouseLeave={() => mark(-1, 0, 0)}
        // The second click of a double click is none of its own.
        onClick={(event) => event.detail <= 1 && choose(find(event).node)}
        onDoubleClick={() => onFocus(-1)}
      />
      <div aria-live={walkable ? 'polite' : 'off'}>
        {shown && (
          <div
            className={styles.tip}
            style={{
              ...(shown.isLow ? { bottom: height - shown.y + 14 } : { top: shown.y + 18 }),
              ...(shown.x > width / 2 ? { right: width - shown.x } : { left: shown.x }),
            }}
          >
            {props.tip(shown.node)}
          </div>
        )}
      </div>
    </div>
  )
}

const scrollerOf = (host: HTMLElement | null) => host?.closest<HTMLElement>('[role=region]')

/** Where a graph is in what scrolls it, as that is scrolled now, and how high that is. Pixels. */
function placeIn(host: HTMLElement | null): { readonly top: number; readonly room: number } {
  const scroller = scrollerOf(host)
  if (!host || !scroller) return { top: 0, room: Infinity }
  const top = host.getBoundingClientRect().top - scroller.getBoundingClientRect().top
  return { top, room: scroller.clientHeight }
}

/** Scrolls so that a level is seen, with some of those above and below it. */
function revealLevel(host: HTMLElement | null, y: number): void {
  const { top, room } = placeIn(host)
  const over = top + y - 3 * levelHeight
  const under = top + y + 3 * levelHeight - room
  if (over < 0 || under > 0) scrollerOf(host)?.scrollBy(0, over < 0 ? over : Math.min(over, under))
}
