import type { KeyboardEvent, PointerEvent } from 'react'
import styles from './resizer.module.css'

/** A vertical line that is dragged, or moved with the arrow keys, to change the width of what stands beside it. */
export function Resizer(props: {
  label: string
  /** Pixels. */
  value: number
  min: number
  max: number
  /** 1 when moving to the right makes it wider, -1 when narrower. */
  direction: 1 | -1
  onChange: (value: number) => void
  className?: string | undefined
}) {
  const set = (value: number) => props.onChange(Math.round(Math.min(props.max, Math.max(props.min, value))))
  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    if (event.button !== 0) return
    event.preventDefault()
    const line = event.currentTarget
    const start = event.clientX
    const before = props.value
    const move = (moved: globalThis.PointerEvent) => set(before + (moved.clientX - start) * props.direction)
    const stop = () => {
      line.removeEventListener('pointermove', move)
      line.removeEventListener('lostpointercapture', stop)
    }
    line.setPointerCapture(event.pointerId)
    line.addEventListener('pointermove', move)
    line.addEventListener('lostpointercapture', stop)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowRight' ? 16 : event.key === 'ArrowLeft' ? -16 : 0
    if (step === 0) return
    event.preventDefault()
    set(props.value + step * props.direction)
  }
  return (
    <div
      className={`${styles.resizer} ${props.className ?? ''}`}
      role="separator"
      aria-orientation="vertical"
      aria-label={props.label}
      aria-valuenow={props.value}
      aria-valuemin={props.min}
      aria-valuemax={props.max}
      tabIndex={0}
      onPointerDown={onPointerDown}
      onKeyDown={onKeyDown}
    />
  )
}
