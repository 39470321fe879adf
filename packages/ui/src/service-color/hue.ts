import type { CSSProperties } from 'react'
import { hueOf, stepOf } from './service-color.ts'

/** The style that goes with the class `hue`: sets the hue and the step of lightness that the service tokens are made from. */
export function hueStyle(slot: number): CSSProperties {
  return { '--hue': hueOf(slot), '--step': stepOf(slot) } as CSSProperties
}
