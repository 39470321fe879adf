import { isIPv6 } from 'node:net'
import type { CAC } from 'cac'
import type { Io } from './cli-output.ts'
import { SpoorError } from './error.ts'
import { fetchFailure } from './fetch-failure.ts'
import { USUAL_PORTS } from './ports.ts'

const TIMEOUT_MS = 4_000

/**
 * Asks a program whether it is ready, for health checks in images that have neither a shell nor curl. Exit codes: 0 it is, 1 it is not, or is not reached, with the
 * reasons; 2 wrong use.
 */
export function addHealthCommand(cli: CAC, io: Io, choose: (action: () => Promise<number>) => void): void {
  cli
    .command(
      'health [url]',
      `Ask whether a program is ready: exit code 0 or 1 (default: what listens at ${Object.values(USUAL_PORTS).join(', ')} of this machine, the first)`,
    )
    .action((url: string | undefined) =>
      choose(async () => {
        const reasons = url === undefined ? await askUsual(hostOf(process.env['SPOOR_HOST'])) : await ask(readyUrl(url))
        io.stdout.write(reasons.length === 0 ? 'ready\n' : `not ready: ${reasons.join('; ')}\n`)
        return reasons.length === 0 ? 0 : 1
      }),
    )
}

/** Where to ask what listens on `host`. */
function hostOf(host: string | undefined): string {
  if (host === undefined || host === '' || host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return isIPv6(host) ? `[${host}]` : host
}

/** `http://host:port` is asked for `/ready`; another path is asked for as it is. */
function readyUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new SpoorError('option', `spoor health: "${text}" is no address; write it as http://127.0.0.1:16686`)
  if (!/^https?:\/\/[^/]+\//.test(text)) url.pathname = '/ready'
  return url.href
}

async function askUsual(host: string): Promise<readonly string[]> {
  const places = [
    `${host}:${USUAL_PORTS.page}`,
    `${host}:${USUAL_PORTS.ingest}`,
    // Its status is on loopback, whatever its receivers listen on.
    `127.0.0.1:${USUAL_PORTS.collector}`,
  ]
  const problems: string[] = []
  for (const place of places)
    try {
      return await ask(`http://${place}/ready`)
    } catch (error) {
      problems.push((error as Error).message)
    }
  throw new SpoorError('unreachable', `no program was found to ask:\n${problems.map((one) => `  ${one}`).join('\n')}`)
}

/** Why it is not ready; nothing where it is. @throws SpoorError `unreachable` */
async function ask(url: string): Promise<readonly string[]> {
  const { ok, status, body } = await get(url)
  if (ok) return []
  const { reasons } = (parsed(body) ?? {}) as { reasons?: readonly string[] }
  return reasons?.length ? reasons : [`${url} answers with ${status}`]
}

interface Answer {
  readonly ok: boolean
  readonly status: number
  readonly body: string
}

async function get(url: string): Promise<Answer> {
  try {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) })
    return { ok: response.ok, status: response.status, body: await response.text() }
  } catch (error) {
    throw new SpoorError('unreachable', `${url}: ${fetchFailure(error, TIMEOUT_MS)}`, { cause: error })
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
