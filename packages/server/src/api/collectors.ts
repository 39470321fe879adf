/**
 * Follows the collectors that send to this Spoor and have told where their own status can be read: collectors of this machine only. Nothing
 * else is ever asked, as what a sender writes into a header must not send Spoor anywhere.
 */
import { announcedOrigin, type CollectorStatus, type SendersStatus, STATUS_PATHS } from '@spoor/collector'
import type { FollowedCollector } from '../api.ts'
import { fetchFailure } from '../fetch-failure.ts'

/** Collectors that are asked, at most. */
const MAX_COLLECTORS = 10
/** One that was not seen for longer is not asked any more. Milliseconds. */
const RECENT_MS = 600_000
const TIMEOUT_MS = 1_000
const MAX_BYTES = 1024 * 1024
/** Within this time the answers are those of before, whoever asks. Milliseconds. */
const KEEP_MS = 1_000

/** `senders`: the ledger. The function that is given back resolves within about two seconds. */
export function createFollower(senders: () => SendersStatus): () => Promise<readonly FollowedCollector[]> {
  let known: { readonly atMs: number; readonly answer: Promise<readonly FollowedCollector[]> } | undefined
  return () => {
    const nowMs = Date.now()
    if (!known || nowMs - known.atMs > KEEP_MS) known = { atMs: nowMs, answer: follow(senders(), nowMs) }
    return known.answer
  }
}

async function follow({ senders }: SendersStatus, nowMs: number): Promise<readonly FollowedCollector[]> {
  const seen = new Map<string, number>()
  for (const { collector, lastSeenMs } of senders) {
    if (collector === undefined || nowMs - lastSeenMs > RECENT_MS) continue
    seen.set(collector, Math.max(lastSeenMs, seen.get(collector) ?? 0))
  }
  const asked = [...seen].slice(0, MAX_COLLECTORS)
  return Promise.all(
    asked.map(async ([address, lastSeenMs]) => {
      try {
        const status = await ask(address, `${STATUS_PATHS.pipelines}?own`)
        if (!isStatus(status)) throw new Error('what it answered is not the status of a collector')
        // An older one has none of it.
        const senders = await ask(address, STATUS_PATHS.senders).catch(() => undefined)
        return { address, lastSeenMs, status, ...(isSenders(senders) && { attention: senders.attention }) }
      } catch (error) {
        return { address, lastSeenMs, error: fetchFailure(error, TIMEOUT_MS) }
      }
    }),
  )
}

/** `own`: not what that one follows, so that two which send to each other do not ask in circles. */
async function ask(address: string, path: string): Promise<unknown> {
  if (announcedOrigin(address) !== address) throw new Error('not an address of this machine')
  const response = await fetch(`${address}${path}`, {
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  if (response.status !== 200) throw new Error(`it answered with status ${response.status}`)
  return JSON.parse(await boundedText(response))
}

async function boundedText({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of body ?? []) {
    length += part.length
    if (length > MAX_BYTES) throw new Error(`its answer is longer than ${MAX_BYTES} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

function isStatus(value: unknown): value is CollectorStatus {
  if (typeof value !== 'object' || value === null) return false
  const { pipelines, extensions, atMs } = value as Partial<CollectorStatus>
  return Array.isArray(pipelines) && Array.isArray(extensions) && typeof atMs === 'number'
}

function isSenders(value: unknown): value is SendersStatus {
  return typeof value === 'object' && value !== null && Array.isArray((value as Partial<SendersStatus>).attention)
}
