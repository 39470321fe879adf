/** Inner area of the plot in pixels. */
export interface Area {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/**
 * Requests on a plane: start on x (linear), duration on y (logarithmic, longest on top).
 *
 *     10 s ┤        ·
 *      1 s ┤   · ··   ··
 *   100 ms ┤ ···········
 *          └────────────── start
 */
export interface PlotScale {
  /** Milliseconds since 1970. */
  readonly fromMs: number
  readonly toMs: number
  /** Nanoseconds; both at least 1. */
  readonly minNs: number
  readonly maxNs: number
  readonly area: Area
}

export function xOf(scale: PlotScale, ms: number): number {
  return scale.area.left + ((ms - scale.fromMs) / (scale.toMs - scale.fromMs)) * scale.area.width
}

export function yOf(scale: PlotScale, ns: number): number {
  const share = Math.log(Math.max(ns, 1) / scale.minNs) / Math.log(scale.maxNs / scale.minNs)
  return scale.area.top + (1 - share) * scale.area.height
}

/** The inverse of {@link xOf}, milliseconds since 1970. */
export function msAt(scale: PlotScale, x: number): number {
  return scale.fromMs + ((x - scale.area.left) / scale.area.width) * (scale.toMs - scale.fromMs)
}

/** The inverse of {@link yOf}, nanoseconds. */
export function nsAt(scale: PlotScale, y: number): number {
  const share = 1 - (y - scale.area.top) / scale.area.height
  return scale.minNs * (scale.maxNs / scale.minNs) ** share
}
