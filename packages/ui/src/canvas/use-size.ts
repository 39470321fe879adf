import { type RefObject, useLayoutEffect, useState } from 'react'

export interface Size {
  /** CSS pixels. */
  readonly width: number
  readonly height: number
}

/** The size of an element's content box, followed as it changes. Zero before the first layout. */
export function useSize(target: RefObject<HTMLElement | null>): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 })
  useLayoutEffect(() => {
    const element = target.current
    if (!element) return undefined
    const read = () => setSize({ width: element.clientWidth, height: element.clientHeight })
    read()
    const observer = new ResizeObserver(read)
    observer.observe(element)
    return () => observer.disconnect()
  }, [target])
  return size
}

/** Sets a canvas' bitmap to the screen's own pixels and gives a context that is drawn on in CSS pixels, cleared. */
export function prepareCanvas(canvas: HTMLCanvasElement, size: Size): CanvasRenderingContext2D | undefined {
  const ratio = devicePixelRatio || 1
  canvas.width = Math.round(size.width * ratio)
  canvas.height = Math.round(size.height * ratio)
  const context = canvas.getContext('2d') ?? undefined
  context?.scale(ratio, ratio)
  return context
}
