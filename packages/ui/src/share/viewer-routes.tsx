import { createHashHistory, createRootRoute, createRoute, createRouter, Outlet, redirect } from '@tanstack/react-router'
import { formatInstant } from '../format/time.ts'
import { useSettings } from '../settings/settings.ts'
import { Brand } from '../shell/brand.tsx'
import { PageFailure } from '../shell/page-failure.tsx'
import shell from '../shell/shell.module.css'
import { ThemeSwitch } from '../shell/theme-switch.tsx'
import { TracePage } from '../trace/trace-page.tsx'
import { readTraceUrl } from '../trace/trace-url.ts'
import { only } from '../url/only.ts'
import { searchText } from '../url/search-text.ts'
import styles from './viewer.module.css'

/** The router of a shared file: one trace, behind the `#` of the address, as there is no server that would answer to others. */
export function createViewerRouter(traceId: string, sharedMs: number) {
  const root = createRootRoute({
    component: () => <ViewerShell sharedMs={sharedMs} />,
    notFoundComponent: () => null,
  })
  const trace = createRoute({
    getParentRoute: () => root,
    path: '/trace/$id',
    validateSearch: only(readTraceUrl),
    component: TracePage,
  })
  const elsewhere = createRoute({
    getParentRoute: () => root,
    path: '$',
    beforeLoad: () => {
      throw redirect({ to: '/trace/$id', params: { id: traceId }, search: {}, replace: true })
    },
  })
  return createRouter({
    routeTree: root.addChildren([trace, elsewhere]),
    history: createHashHistory(),
    defaultErrorComponent: PageFailure,
    scrollRestoration: false,
    ...searchText,
  })
}

function ViewerShell({ sharedMs }: { sharedMs: number }) {
  const zone = useSettings((settings) => settings.zone)
  return (
    <div className={shell.shell}>
      <header className={shell.bar}>
        <span className={shell.brand}>
          <Brand />
          <span>spoor</span>
        </span>
        <p className={styles.note}>
          A trace as it was on {/* To the second. */}
          {formatInstant(BigInt(sharedMs) * 1_000_000n, zone).replace(/\.\d+/, '')}, with all that shows it
        </p>
        <ThemeSwitch />
      </header>
      <main className={shell.main}>
        <Outlet />
      </main>
    </div>
  )
}
