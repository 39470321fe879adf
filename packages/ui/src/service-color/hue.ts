import type { CSSProperties } from 'react'
import { hueOf, slotOf } from './service-color.ts'

/** The style that goes with the class `hue`: sets the hue that the service tokens are made from. */
export function hueStyle(slot: number): CSSProperties {
  return { '--hue': hueOf(slot) } as CSSProperties
}

export function serviceHueStyle(service: string): CSSProperties {
  return hueStyle(slotOf(service))
}
