import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { requestOf, sent, type SentSpan } from '../conformance/spans.ts'
import { Oracle } from './oracle.ts'
import { Random } from './random.ts'

const SENDERS = 4
const SPANS = 8

interface Program {
  readonly child: ChildProcess
  readonly otlp: string
  readonly page: string
}

/** Kills `spoor` in the middle of its work, again and again, and looks for what it had acknowledged. Resolves with the exit code. */
export async function killProcesses(seed: number, untilMs: number): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-chaos-'))
  const random = new Random(seed)
  const oracle = new Oracle()
  const next = { trace: 0 }
  let kills = 0
  try {
    while (performance.now() < untilMs) {
      const spoor = await start(directory)
      await check(spoor, oracle, random)
      const over = new AbortController()
      const sending = Array.from({ length: SENDERS }, () => send(spoor, oracle, next, over.signal))
      await new Promise((resolve) => setTimeout(resolve, random.int(0, 400)))
      over.abort()
      const closed = once(spoor.child, 'close')
      spoor.child.kill('SIGKILL')
      await Promise.all([closed, ...sending])
      kills++
      if (kills % 10 === 0) console.log(`${kills} kills, ${oracle.acknowledgedSpans} spans acknowledged, none lost`)
    }
  } catch (error) {
    console.error(error)
    console.error(
      `after ${kills} kills; the data is in ${directory}; again: npm run chaos -- --processes --seed ${seed}`,
    )
    return 1
  }
  rmSync(directory, { recursive: true, force: true })
  console.log(`${kills} kills, ${oracle.acknowledgedSpans} spans acknowledged, none lost`)
  return 0
}

async function start(directory: string): Promise<Program> {
  const main = join(import.meta.dirname, '../../../server/src/main.ts')
  const ports = ['--page-port', '0', '--otlp-grpc-port', '0', '--otlp-http-port', '0']
  const child = spawn(process.execPath, ['--conditions=@spoor/source', main, '--data', directory, ...ports], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let otlp: string | undefined
  let page: string | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    page ??= /Page\s+(http:\S+)/.exec(line)?.[1]
    otlp ??= /OTLP HTTP\s+(http:\S+)/.exec(line)?.[1]
    if (page && otlp) return { child, otlp, page }
  }
  throw new Error('spoor ended before it said where it listens')
}

async function send({ otlp }: Program, oracle: Oracle, next: { trace: number }, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const trace = next.trace++
    const spans: SentSpan[] = Array.from({ length: SPANS }, (_, i) =>
      sent({ trace, id: trace * SPANS + i + 1, at: trace }),
    )
    oracle.sent(trace, trace, spans)
    try {
      const headers = { 'content-type': 'application/x-protobuf' }
      const response = await fetch(`${otlp}/v1/traces`, {
        method: 'POST',
        headers,
        body: Buffer.from(requestOf(spans)),
      })
      await response.arrayBuffer()
      if (response.status === 200) oracle.acknowledged(trace, spans)
    } catch {
      return // It was killed: nobody knows what became of these.
    }
  }
}

/** Reads some of the traces, among them the newest. */
async function check({ page }: Program, oracle: Oracle, random: Random): Promise<void> {
  const ids = oracle.sentTraces
  const chosen = new Set([
    ...ids.slice(-10),
    ...(ids.length > 0 ? Array.from({ length: 10 }, () => random.pick(ids)) : []),
  ])
  for (const id of chosen) {
    const response = await fetch(`${page}/api/spoor/v1/traces/${id}`)
    const bytes = new Uint8Array(await response.arrayBuffer())
    if (response.status !== 200 && response.status !== 404) throw new Error(`trace ${id}: ${response.status}`)
    const chunks = response.status === 200 ? [bytes] : []
    oracle.checkTrace(id, oracle.promised(id), chunks, {
      mayHaveDropped: false,
      damageTold: false,
      hasLeftOut: false,
    })
  }
}
