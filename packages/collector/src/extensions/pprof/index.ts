/** Serves profiles of the collector, where the OpenTelemetry Collector does; in V8's own form. */
import { writeFile } from 'node:fs/promises'
import {
  CollectorError,
  portClaims,
  statusOf,
  type Context,
  type Extension,
  type ExtensionFactory,
} from '../../component/index.ts'
import { createHttpEndpoint, html, page, refusal, type Answer } from '../../extension-helper/index.ts'
import { pprofConfig, type PprofConfig } from './config.ts'
import { createProfiler } from './profiler.ts'

export const pprofExtension: ExtensionFactory<PprofConfig> = {
  kind: 'extension',
  type: 'pprof',
  config: pprofConfig,
  create: (context, config) => createPprof(context, config),
}

const INDEX = '/debug/pprof'
const CPU = `${INDEX}/profile`
const HEAP = `${INDEX}/heap`
/** What Go takes where nothing is said, and the most that is kept in memory without being seen. */
const DEFAULT_SECONDS = 30
const MAX_SECONDS = 600
/** The whole profile is in memory until it is written: at a hundred samples a second some megabytes an hour. */
const FILE_MS = 3_600_000

function createPprof({ id, logger }: Context, { endpoint: address, save_to_file: file }: PprofConfig): Extension {
  const profiler = createProfiler()
  let saved: Promise<void> | undefined

  async function answer(path: string, query: string): Promise<Answer | undefined> {
    if (path.replace(/\/$/, '') === INDEX)
      return { status: 200, contentType: 'text/html; charset=utf-8', body: index() }
    if (path === HEAP) return profile(await profiler.heap())
    if (path !== CPU) return undefined
    const seconds = Number(new URLSearchParams(query).get('seconds') ?? DEFAULT_SECONDS)
    if (!(seconds > 0 && seconds <= MAX_SECONDS))
      return refusal(400, `seconds: not a number above 0, up to ${MAX_SECONDS}`)
    try {
      return profile(await profiler.cpu(seconds * 1000))
    } catch (error) {
      if (!(error instanceof CollectorError)) throw error
      return refusal(statusOf(error).http, error.message)
    }
  }

  async function save(): Promise<void> {
    try {
      await writeFile(file, await profiler.cpu(FILE_MS))
      logger.info({ component: id, file }, 'The CPU profile is written.')
    } catch (error) {
      logger.error({ component: id, file, error: (error as Error).message }, 'The CPU profile could not be written.')
    }
  }

  const endpoint = createHttpEndpoint(address, answer)
  return {
    claims: portClaims(address),
    async start() {
      await endpoint.start()
      await profiler.start()
      if (file !== '') saved = save()
      logger.info({ component: id, endpoint: endpoint.address }, 'Starting pprof extension')
    },
    listening: () => [{ protocol: 'http', address: endpoint.address }],
    async shutdown() {
      await profiler.stop()
      await saved
      await endpoint.stop()
    },
  }
}

function profile(body: string): Answer {
  return { status: 200, contentType: 'application/json', body }
}

function index(): string {
  return page(
    'profiles',
    [],
    [
      html`<p>
        Of the main thread, in V8's own form: Chrome's developer tools (Performance, Memory) and speedscope read it.
        <code>go tool pprof</code> does not.
      </p>`,
      html`<ul>
        <li>
          <a href="${CPU}?seconds=${DEFAULT_SECONDS}">${CPU}?seconds=${DEFAULT_SECONDS}</a> where the CPU's time goes;
          save it as <code>NAME.cpuprofile</code>
        </li>
        <li>
          <a href="${HEAP}">${HEAP}</a> what was allocated since the start and lives; save it as
          <code>NAME.heapprofile</code>. Buffers of telemetry are not in V8's heap, and not in it
        </li>
      </ul>`,
    ],
  )
}
