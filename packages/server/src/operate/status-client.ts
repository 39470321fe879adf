/** The status API of a collector that runs, for the commands that look at one. */
import { STATUS_PATHS, type CollectorStatus, type SendersStatus } from '@spoor/collector'
import type { ApiError, PipelinesResponse } from '../api.ts'
import { SpoorError } from '../error.ts'
import { fetchFailure } from '../fetch-failure.ts'

/** Where a collector alone answers, and where Spoor does. */
const USUAL = ['http://127.0.0.1:55680', 'http://127.0.0.1:16686']
const TIMEOUT_MS = 5_000

export interface StatusClient {
  /** `http://127.0.0.1:55680`. */
  readonly address: string
  pipelines(): Promise<CollectorStatus & Partial<PipelinesResponse>>
  senders(): Promise<SendersStatus>
  /** The answer, whose status is 200. Rejects with SpoorError `unreachable`. */
  get(path: string, signal?: AbortSignal): Promise<Response>
}

/**
 * Finds the collector: at `endpoint` (`host:port`), else on this machine, alone or in Spoor. Rejects with SpoorError `unreachable`, which says where
 * it was looked for and what to do.
 */
export async function findCollector(
  endpoint: string | undefined,
  token = process.env['SPOOR_STATUS_TOKEN'],
): Promise<StatusClient> {
  const places = endpoint === undefined ? USUAL : [`http://${endpoint}`]
  const problems: string[] = []
  for (const address of places) {
    const client = createClient(address, token)
    try {
      await client.pipelines()
      return client
    } catch (error) {
      problems.push((error as Error).message)
    }
  }
  const wayOut =
    endpoint === undefined
      ? 'start one (spoor collector --config FILE, or spoor), or say where it is with --status-endpoint HOST:PORT'
      : 'is it running, and is that its --status-endpoint?'
  throw new SpoorError(
    'unreachable',
    `no collector was found:\n${problems.map((problem) => `  ${problem}`).join('\n')}\n${wayOut}`,
  )
}

function createClient(address: string, token: string | undefined): StatusClient {
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {}
  async function get(path: string, signal = AbortSignal.timeout(TIMEOUT_MS)): Promise<Response> {
    let response: Response
    try {
      response = await fetch(`${address}${path}`, { headers, signal, redirect: 'error' })
    } catch (error) {
      if ((error as Error).name === 'AbortError') throw error
      throw new SpoorError('unreachable', `${address}: ${fetchFailure(error, TIMEOUT_MS)}`, { cause: error })
    }
    if (response.status === 200) return response
    throw new SpoorError('unreachable', `${address}: ${await refusal(response, path)}`)
  }
  async function json<T>(path: string): Promise<T> {
    const response = await get(path)
    if (!(response.headers.get('content-type') ?? '').includes('json')) {
      throw new SpoorError('unreachable', `${address}: something else than a collector of Spoor answers there`)
    }
    return (await response.json()) as T
  }
  return { address, get, pipelines: () => json(STATUS_PATHS.pipelines), senders: () => json(STATUS_PATHS.senders) }
}

async function refusal(response: Response, path: string): Promise<string> {
  if (response.status === 401) return 'it wants a token: set SPOOR_STATUS_TOKEN to that of the collector'
  const text = (await response.text()).trim()
  const line = apiMessage(text) ?? text.split('\n', 1)[0]!.slice(0, 300)
  return `${path.split('?', 1)[0]}: ${line === '' ? `status ${response.status}` : line}`
}

/** What Spoor's own API says of an error; undefined for another text. */
function apiMessage(text: string): string | undefined {
  try {
    return (JSON.parse(text) as Partial<ApiError> | null)?.error?.message
  } catch {
    return undefined
  }
}
