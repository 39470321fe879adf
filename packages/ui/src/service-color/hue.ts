import type { CSSProperties } from 'react'
import { hueOf } from './service-color.ts'

/** The style that goes with the class `hue`: sets the hue that the service tokens are made from. */
export function hueStyle(slot: number): CSSProperties {
  return { '--hue': hueOf(slot) } as CSSProperties
}
