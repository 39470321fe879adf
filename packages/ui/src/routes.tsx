import { createRootRoute, createRoute, createRouter, redirect } from '@tanstack/react-router'
import { readCompareUrl } from './compare/compare-url.ts'
import { readFileUrl } from './files/file-url.ts'
import { isJaeger, readSearchUrl } from './search/search-url.ts'
import { readServicesUrl } from './services/services-url.ts'
import { readSetupUrl } from './setup/setup-url.ts'
import { Shell } from './shell/shell.tsx'
import { NotFound } from './shell/not-found.tsx'
import { PageFailure } from './shell/page-failure.tsx'
import { readTraceUrl } from './trace/trace-url.ts'
import { only } from './url/only.ts'
import { searchText } from './url/search-text.ts'
import { lazyPart } from './widgets/lazy-part.tsx'

const compareUrl = only(readCompareUrl)
const fileUrl = only(readFileUrl)
const searchUrl = only(readSearchUrl)
const servicesUrl = only(readServicesUrl)
const setupUrl = only(readSetupUrl)
const traceUrl = only(readTraceUrl)

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound })

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/search', search: {}, replace: true })
  },
})

export const searchRoute = createRoute({
  getParentRoute: () => root,
  path: '/search',
  validateSearch: searchUrl,
  // A link made for Jaeger's search page becomes one of ours, so that the address bar says what the page does.
  beforeLoad: ({ location }) => {
    if (!isJaeger(location.search)) return
    throw redirect({ to: '/search', search: readSearchUrl(location.search), replace: true })
  },
  component: lazyPart(async () => (await import('./search/search-page.tsx')).SearchPage, { name: 'The search page' }),
})

export const traceRoute = createRoute({
  getParentRoute: () => root,
  path: '/trace/$id',
  validateSearch: traceUrl,
  component: lazyPart(async () => (await import('./trace/trace-page.tsx')).TracePage, { name: 'The trace page' }),
})

export const servicesRoute = createRoute({
  getParentRoute: () => root,
  path: '/services',
  validateSearch: servicesUrl,
  component: lazyPart(async () => (await import('./services/services-page.tsx')).ServicesPage, {
    name: 'The services page',
  }),
})

/** What it was called before. */
const dependenciesRoute = createRoute({
  getParentRoute: () => root,
  path: '/dependencies',
  validateSearch: servicesUrl,
  beforeLoad: ({ search }) => {
    throw redirect({ to: '/services', search, replace: true })
  },
})

export const compareRoute = createRoute({
  getParentRoute: () => root,
  path: '/compare',
  validateSearch: compareUrl,
  component: lazyPart(async () => (await import('./compare/compare-page.tsx')).ComparePage, {
    name: 'The comparison',
  }),
})

const pipelinesRoute = createRoute({
  getParentRoute: () => root,
  path: '/pipelines',
  component: lazyPart(async () => (await import('./pipelines/pipelines-page.tsx')).PipelinesPage, {
    name: 'The pipelines page',
  }),
})

const setupRoute = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  validateSearch: setupUrl,
  component: lazyPart(async () => (await import('./setup/setup-page.tsx')).SetupPage, { name: 'The setup page' }),
})

export const fileRoute = createRoute({
  getParentRoute: () => root,
  path: '/file',
  validateSearch: fileUrl,
  component: lazyPart(async () => (await import('./files/file-page.tsx')).FilePage, { name: 'The file' }),
})

const tree = root.addChildren([
  home,
  searchRoute,
  traceRoute,
  servicesRoute,
  dependenciesRoute,
  compareRoute,
  pipelinesRoute,
  setupRoute,
  fileRoute,
])

/** The router of the page. */
export function createPageRouter() {
  return createRouter({
    routeTree: tree,
    defaultPreload: 'intent',
    defaultErrorComponent: PageFailure,
    scrollRestoration: false,
    ...searchText,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createPageRouter>
  }
}
