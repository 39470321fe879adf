/** Pages about the collector for people who look at it, at the paths of the OpenTelemetry Collector's. */
import {
  NO_OVERVIEW,
  portClaims,
  version,
  type Context,
  type Extension,
  type ExtensionFactory,
} from '../../component/index.ts'
import { createHttpEndpoint, page, type Answer, type Html } from '../../extension-helper/index.ts'
import { zpagesConfig, type ZpagesConfig } from './config.ts'
import { expvars, extensionPage, featurePage, pipelinePage, servicePage, tracePage, type Change } from './pages.ts'
import { createRates } from './rates.ts'

export const zpagesExtension: ExtensionFactory<ZpagesConfig> = {
  kind: 'extension',
  type: 'zpages',
  config: zpagesConfig,
  create: (context, config) => createZpages(context, config),
}

/** Changes of status that are kept. */
const MAX_CHANGES = 200

function createZpages({ id, logger, counters }: Context, { endpoint: address, expvar, tls }: ZpagesConfig): Extension {
  const changes: Change[] = []
  const ratesOf = createRates()
  let overview = () => NO_OVERVIEW
  const pages = new Map<string, readonly [title: string, body: () => readonly Html[]]>([
    ['/debug/servicez', ['service', () => servicePage(overview(), version)]],
    [
      '/debug/pipelinez',
      [
        'pipelines',
        () => {
          const now = overview()
          return pipelinePage(now, ratesOf(now))
        },
      ],
    ],
    ['/debug/extensionz', ['extensions', () => extensionPage(overview())]],
    ['/debug/featurez', ['features', featurePage]],
    ['/debug/tracez', ['changes', () => tracePage(changes)]],
  ])
  const bar = [...pages].map(([path, [title]]) => [path, title] as const)
  if (expvar.enabled) bar.push(['/debug/expvarz', 'figures'])

  function answer(path: string): Answer | undefined {
    if (path === '/debug/expvarz' && expvar.enabled)
      return { status: 200, contentType: 'application/json', body: expvars(counters.snapshot()) }
    const found = pages.get(path === '/' || path === '/debug' ? '/debug/servicez' : path)
    if (!found) return undefined
    const [title, body] = found
    return { status: 200, contentType: 'text/html; charset=utf-8', body: page(title, bar, body()) }
  }

  const endpoint = createHttpEndpoint(address, answer, tls && { config: tls, logger })
  return {
    claims: portClaims(address),
    async start(host) {
      overview = () => host.overview()
      await endpoint.start()
      logger.info({ component: id, endpoint: endpoint.address }, 'Starting zPages extension')
    },
    statusChanged({ kind, id }, event) {
      changes.push({ kind, id, event })
      if (changes.length > MAX_CHANGES) changes.shift()
    },
    listening: () => [{ protocol: 'http', address: endpoint.address }],
    refresh: () => endpoint.refresh(),
    shutdown: () => endpoint.stop(),
  }
}
