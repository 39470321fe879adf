import { Link, Outlet } from '@tanstack/react-router'
import { useState } from 'react'
import { useKeys } from '../keyboard/use-keys.ts'
import { lazyPart } from '../widgets/lazy-part.tsx'
import { Brand } from './brand.tsx'
import { Intake } from './intake.tsx'
import styles from './shell.module.css'
import { ThemeSwitch } from './theme-switch.tsx'
import { TraceLookup } from './trace-lookup.tsx'

const HelpDialog = lazyPart(async () => (await import('./help-dialog.tsx')).HelpDialog, {
  name: 'The help',
  floating: { onClose: (props) => props.onClose() },
})

const FileOpener = lazyPart(async () => (await import('../files/file-opener.tsx')).FileOpener, {
  name: 'What opens files',
  waiting: () => <span className={styles.icon} />,
})

const Bell = lazyPart(async () => (await import('../findings/bell.tsx')).Bell, {
  name: 'What is to be mended',
  waiting: () => <span className={styles.icon} />,
})

/** The frame: one bar, and the page below it. */
export function Shell() {
  const [help, setHelp] = useState(false)
  useKeys('Everywhere', [{ help: 'This help', on: { '?': () => setHelp(true) } }])
  return (
    <div className={styles.shell}>
      <header className={styles.bar}>
        <Link to="/search" search={{}} className={styles.brand} aria-label="Spoor, to the search page">
          <Brand />
          <span>spoor</span>
        </Link>
        <nav className={styles.nav} aria-label="Pages">
          <Link to="/search" search={{}} className={styles.link}>
            Search
          </Link>
          <Link to="/services" search={{}} className={styles.link}>
            Services
          </Link>
          <Link to="/pipelines" className={styles.link}>
            Pipelines
          </Link>
          <Link to="/setup" className={styles.link}>
            Setup
          </Link>
        </nav>
        <Intake />
        <Bell />
        <TraceLookup />
        <FileOpener />
        <button
          type="button"
          className={styles.icon}
          onClick={() => setHelp(true)}
          aria-label="Keyboard and query help"
          title="Keyboard and query help (?)"
        >
          ?
        </button>
        <ThemeSwitch />
      </header>
      <main className={styles.main}>
        <Outlet />
      </main>
      {help && <HelpDialog onClose={() => setHelp(false)} />}
    </div>
  )
}
