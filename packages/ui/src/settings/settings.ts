import { create } from 'zustand'
import { persist } from 'zustand/middleware'
import type { Zone } from '../format/time.ts'

export type Theme = 'system' | 'light' | 'dark'

/** What the page remembers between visits, in this browser. Widths are in pixels. */
export interface Settings {
  readonly theme: Theme
  readonly zone: Zone
  /** Width of the name column of the timeline; 0 until somebody sets it: then as the page has room. */
  readonly nameWidth: number
  /** Width of the detail panel; 0 likewise. */
  readonly detailWidth: number
  readonly detailOpen: boolean
  /** The list's columns, by their keys; as is usual until somebody chooses. */
  readonly columns?: readonly string[]
  /** Searches that were kept, and those that were asked last, the latest first: each the part of the address behind `?`. */
  readonly saved: readonly string[]
  readonly recent: readonly string[]
  readonly set: (change: Partial<Omit<Settings, 'set'>>) => void
}

export const useSettings = create<Settings>()(
  persist(
    (set) => ({
      theme: 'system',
      zone: 'local',
      nameWidth: 0,
      detailWidth: 0,
      detailOpen: true,
      saved: [],
      recent: [],
      set: (change) => set(change),
    }),
    { name: 'spoor.settings', version: 1 },
  ),
)

/** Puts the chosen theme on the document, now and whenever it changes. */
export function followTheme(): void {
  const apply = ({ theme }: Settings) => {
    if (theme === 'system') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = theme
  }
  apply(useSettings.getState())
  useSettings.subscribe(apply)
}
