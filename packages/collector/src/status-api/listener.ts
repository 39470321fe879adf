/**
 * The status of a collector over HTTP, on a port of its own. It is a help and no part of the collector's work: where its port is taken, that is
 * told, and the collector goes on without it.
 */
import { CollectorError, isLoopback, isSameSecret, parseHostPort, type Logger } from '../component/index.ts'
import { createHttpEndpoint, refusal, type Answer } from '../extension-helper/index.ts'
import { STATUS_PATHS, type CollectorStatus, type EdgesStatus, type SendersStatus } from './contract.ts'
import type { TapAnswer } from './tap.ts'

export interface StatusOptions {
  /** `host:port`. */
  readonly endpoint: string
  /** What clients must send as `authorization: Bearer …`. Needed beyond loopback. */
  readonly token?: string | undefined
}

export interface StatusSource {
  pipelines(): CollectorStatus
  senders(): SendersStatus
  /** Without its secrets. */
  config(): unknown
  tap(query: URLSearchParams): TapAnswer
  /** Why it is not ready, in words; empty when it is. */
  notReady(): readonly string[]
}

export interface StatusListener {
  /** `http://127.0.0.1:55680`; undefined where it does not listen. */
  readonly address: string | undefined
  /** Resolves also where it cannot listen. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** Throws `config` for an endpoint beyond loopback without a token. */
export function createStatusListener(
  { endpoint, token }: StatusOptions,
  source: StatusSource,
  logger: Logger,
): StatusListener {
  const { host } = parseHostPort(endpoint)
  if (!isLoopback(host) && !token) {
    const message = `the status endpoint ${endpoint} can be reached from other machines: give it a token in SPOOR_STATUS_TOKEN, or let it listen on localhost`
    throw new CollectorError('config', message)
  }
  const answers: Readonly<Record<string, () => unknown>> = {
    [STATUS_PATHS.pipelines]: () => source.pipelines(),
    [STATUS_PATHS.senders]: () => source.senders(),
    [STATUS_PATHS.config]: () => source.config(),
  }
  const server = createHttpEndpoint(endpoint, (path, query, { authorization }) => {
    // Probes have no token, and learn nothing from it.
    if (path === '/health') return healthOf([])
    if (path === '/ready') return healthOf(source.notReady())
    if (token && !isSameSecret(authorization ?? '', `Bearer ${token}`)) return UNAUTHENTICATED
    if (path === '/')
      return {
        status: 200,
        contentType: 'text/plain; charset=utf-8',
        body: `${Object.values(STATUS_PATHS).join('\n')}\n`,
      }
    if (path === STATUS_PATHS.tap) return tapped(source.tap(new URLSearchParams(query)))
    const answer = answers[path]
    return answer && json(answer())
  })
  let address: string | undefined
  return {
    get address() {
      return address
    },
    async start() {
      try {
        await server.start()
        address = `http://${server.address}`
        logger.info({ endpoint: server.address }, 'The status of the collector can be read here.')
      } catch (error) {
        const fields = { endpoint, error: (error as Error).message }
        logger.warn(
          fields,
          'The status of the collector cannot be read, as its port is not to be had; the collector goes on without it. Choose another with --status-endpoint, or off.',
        )
      }
    },
    async stop() {
      address = undefined
      await server.stop()
    },
  }
}

/** As `spoor` answers the same. What has failed for good ends the process, so that whoever answers is live. */
function healthOf(reasons: readonly string[]): Answer {
  const isWell = reasons.length === 0
  return { ...json({ status: isWell ? 'ok' : 'unavailable', reasons }), status: isWell ? 200 : 503 }
}

const UNAUTHENTICATED = refusal(401, 'the status of this collector needs a token: authorization: Bearer …')

function tapped(answer: TapAnswer): Answer {
  if ('edges' in answer) return json({ edges: answer.edges } satisfies EdgesStatus)
  if ('message' in answer) return refusal(answer.status, answer.message)
  return { status: 200, contentType: 'application/x-ndjson', body: answer.items }
}

function json(value: unknown): Answer {
  return { status: 200, contentType: 'application/json', body: `${JSON.stringify(value)}\n` }
}
