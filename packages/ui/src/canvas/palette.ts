import { type RefObject, useEffect, useState } from 'react'
import { hueOf, slotCount, stepOf } from '../service-color/service-color.ts'

/** The theme's colours in a form that a canvas takes. `service` has one a slot. */
export interface Palette {
  readonly text: string
  readonly muted: string
  /** What plots lie on. */
  readonly raised: string
  readonly line: string
  readonly error: string
  readonly accent: string
  readonly service: readonly string[]
}

/** The palette of the theme in force, read again when the theme changes; undefined before the first paint. */
export function usePalette(host: RefObject<HTMLElement | null>): Palette | undefined {
  const [palette, setPalette] = useState<Palette>()
  useEffect(() => {
    if (!host.current) return undefined
    const element = host.current
    const read = () => setPalette(readPalette(element))
    read()
    const media = matchMedia('(prefers-color-scheme: dark)')
    const themes = new MutationObserver(read)
    media.addEventListener('change', read)
    themes.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    return () => {
      media.removeEventListener('change', read)
      themes.disconnect()
    }
  }, [host])
  return palette
}

/** Lets the browser resolve the tokens: an element wears each colour in turn and is asked what it wears. */
function readPalette(host: HTMLElement): Palette {
  const probe = document.createElement('i')
  probe.className = 'hue'
  probe.hidden = true
  host.append(probe)
  const resolve = (token: string) => {
    probe.style.color = `var(${token})`
    return getComputedStyle(probe).color
  }
  const palette = {
    text: resolve('--text'),
    muted: resolve('--text-2'),
    raised: resolve('--raised'),
    line: resolve('--line'),
    error: resolve('--error'),
    accent: resolve('--accent'),
    service: Array.from({ length: slotCount }, (_, slot) => {
      probe.style.setProperty('--hue', String(hueOf(slot)))
      probe.style.setProperty('--step', String(stepOf(slot)))
      return resolve('--service')
    }),
  }
  probe.remove()
  return palette
}
