/** Reads the probe back, hop by hop, and names the one at which it stopped. */
import { setTimeout as delay } from 'node:timers/promises'
import { STATUS_PATHS, type CollectorStatus, type SendersStatus } from '@spoor/collector'
import type { FindingsResponse, StatusResponse } from '../api.ts'
import { fetchFailure } from '../fetch-failure.ts'
import { type Diagnosis, diagnosis, shell } from './diagnosis.ts'
import { type Probe, USER_AGENT } from './probe.ts'

/** One hop: where the probe was, or was not. */
export interface Hop {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

export interface ReadBack {
  readonly hops: readonly Hop[]
  readonly diagnoses: readonly Diagnosis[]
}

/** Where status and traces can be asked for. */
export interface Places {
  /** Spoor's page, as `http://127.0.0.1:16686`. */
  readonly page: string
  /** The status of a collector before it. */
  readonly collector: string
}

const POLL_MS = 250
const TIMEOUT_MS = 3_000
/** Components in which a trace may end, or wait for long. */
const MAY_END: Readonly<Record<string, string>> = {
  tail_sampling: 'decides after some time, and may have sampled it out',
  probabilistic_sampler: 'samples, and may have sampled it out',
  filter: 'may have dropped it',
  groupbytrace: 'holds traces back for a while',
}

export async function askJson<T>(base: string, path: string): Promise<T> {
  const response = await fetch(`${base}${path}`, {
    headers: { 'user-agent': USER_AGENT },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  if (!response.ok) throw new Error(`${path}: status ${response.status}`)
  return (await response.json()) as T
}

/** What is asked of a Spoor that runs; undefined where there is none. */
export async function spoorAt(page: string): Promise<StatusResponse | undefined> {
  try {
    const status = await askJson<StatusResponse>(page, '/api/spoor/v1/status')
    return typeof status.version === 'string' && Array.isArray(status.attention) ? status : undefined
  } catch {
    return undefined
  }
}

export async function findingsAt(page: string): Promise<FindingsResponse['findings']> {
  return (await askJson<FindingsResponse>(page, '/api/spoor/v1/findings')).findings
}

/** `sinceMs`: when the probe was sent, milliseconds since 1970 by the clock here, which is the same machine's or near. */
export async function readBack(
  { traceId }: Probe,
  { page, collector }: Places,
  sinceMs: number,
  patienceMs: number,
): Promise<ReadBack> {
  const hops: Hop[] = []
  const inCollector = await seenBy(collector, sinceMs)
  if (inCollector) hops.push({ name: 'collector', ok: true, detail: `${collector} has taken it` })
  const until = performance.now() + patienceMs
  let problem = ''
  for (;;) {
    try {
      const response = await fetch(`${page}/api/spoor/v1/traces/${traceId}`, {
        headers: { 'user-agent': USER_AGENT },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      await response.arrayBuffer()
      if (response.status === 200) {
        hops.push(
          { name: 'store', ok: true, detail: 'stored' },
          { name: 'query', ok: true, detail: `read back as ${traceId}` },
        )
        return { hops, diagnoses: [] }
      }
      problem = response.status === 404 ? '' : `status ${response.status}`
    } catch (error) {
      problem = fetchFailure(error, TIMEOUT_MS)
    }
    if (performance.now() >= until) break
    await delay(POLL_MS)
  }
  const status = await spoorAt(page)
  if (!status) {
    hops.push({ name: 'query', ok: false, detail: `${page}: ${problem || 'no Spoor'}` })
    const what = `Whatever took the probe is not the Spoor that is asked: at ${page} there is none (${problem || 'something else answers'}).`
    return {
      hops,
      diagnoses: [
        diagnosis(
          'no_page',
          what,
          'Say where Spoor’s page is.',
          [shell('spoor doctor --page http://127.0.0.1:16686')],
          'warning',
        ),
      ],
    }
  }
  if (await seenBy(page, sinceMs)) {
    const refusing = status.refusing ?? status.health.reasons.join('; ')
    hops.push({ name: 'store', ok: refusing === '', detail: refusing || 'Spoor has taken it' })
    if (refusing !== '')
      return {
        hops,
        diagnoses: [
          diagnosis(
            'store',
            `Spoor has it, and its store does not take it: ${refusing}.`,
            'See its log and the dot in the bar of its page.',
          ),
        ],
      }
    hops.push({ name: 'query', ok: false, detail: problem || 'not found by its id' })
    return { hops, diagnoses: [await insideOf(page, 'Spoor', patienceMs)] }
  }
  hops.push({ name: 'store', ok: false, detail: 'the probe has not come to this Spoor' })
  return { hops, diagnoses: [inCollector ? await insideOf(collector, 'The collector', patienceMs) : elsewhere(page)] }
}

function elsewhere(page: string): Diagnosis {
  return diagnosis(
    'other_receiver',
    `What took the probe is not the Spoor at ${page}, and does not hand it on to it: another collector, or another Spoor.`,
    'Say where the page of that one is; or send to this Spoor.',
    [shell(`spoor doctor --page ${page}`)],
  )
}

/** Where in the pipelines of a collector that has taken the probe it may be. */
async function insideOf(base: string, name: string, patienceMs: number): Promise<Diagnosis> {
  const { pipelines } = await askJson<CollectorStatus>(base, `${STATUS_PATHS.pipelines}?own`)
  const components = pipelines.flatMap(({ components: all }) => all)
  const bad = components.find(({ status }) => /error/.test(status.status))
  if (bad)
    return diagnosis(
      'pipeline',
      `${name} has taken it, and its ${bad.kind} ${bad.id} does not hand it on: ${bad.status.message}.`,
      'Mend that component; its collector keeps what it can meanwhile.',
    )
  const sampling = components.find(({ id }) => (id.split('/')[0] ?? '') in MAY_END)
  if (sampling)
    return diagnosis(
      'sampled',
      `${name} has taken it, and it has not come out: its ${sampling.kind} ${sampling.id} ${MAY_END[sampling.id.split('/')[0]!]}.`,
      `That is as it is configured; to see all, leave ${sampling.id} out.`,
      [],
      'warning',
    )
  return diagnosis(
    'pipeline',
    `${name} has taken it, and it has not come out within ${patienceMs / 1000} s.`,
    'Look at its pipelines: spoor collector top.',
    [shell('spoor collector top --once')],
  )
}

/** Whether a collector has taken something of the doctor's since then. */
async function seenBy(base: string, sinceMs: number): Promise<boolean> {
  try {
    const { senders } = await askJson<SendersStatus>(base, STATUS_PATHS.senders)
    return senders.some(
      ({ userAgent, ok, lastSeenMs }) => userAgent === USER_AGENT && ok > 0 && lastSeenMs >= sinceMs - 1_000,
    )
  } catch {
    return false
  }
}
