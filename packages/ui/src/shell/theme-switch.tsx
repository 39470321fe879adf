import { type Theme, useSettings } from '../settings/settings.ts'
import { MonitorIcon, MoonIcon, SunIcon } from '../widgets/icons.tsx'
import styles from './shell.module.css'

const next: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' }
const names: Record<Theme, string> = { system: 'as the system', light: 'light', dark: 'dark' }

export function ThemeSwitch() {
  const theme = useSettings((settings) => settings.theme)
  const set = useSettings((settings) => settings.set)
  const label = `Theme: ${names[theme]}. Change to: ${names[next[theme]]}`
  return (
    <button
      type="button"
      className={styles.icon}
      onClick={() => set({ theme: next[theme] })}
      aria-label={label}
      title={label}
    >
      {theme === 'system' ? <MonitorIcon /> : theme === 'light' ? <SunIcon /> : <MoonIcon />}
    </button>
  )
}
