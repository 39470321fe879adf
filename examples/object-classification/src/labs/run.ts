/** Runs a lab: breaks the world, sends photographs through it as a client of its own, and mends it. */
import { randomInt } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Classification } from '../client/send.ts'
import { FAULTS_VARIABLE } from '../service/faults.ts'
import type { RunningWorld } from '../world/control/ask.ts'
import type { WorldAnswer } from '../world/control/server.ts'
import type { Lab } from './lab.ts'

/** Which traces a lab is about, and how it was answered. */
export interface LabRun {
  /** Spoor's page. */
  readonly page: string
  /** The `load.run.id` of their first spans. */
  readonly id: string
  /** Of those that were taken: they find what is not below these. */
  readonly requestIds: readonly string[]
  /** Answers to it that were wrong. Default: none. */
  readonly wrongAnswers?: number
}

/** Breaks, sends, mends. Other faults are off meanwhile. */
export async function runLab(lab: Lab, world: RunningWorld): Promise<LabRun> {
  const about = await world.describe()
  const services = about.services.map(({ name }) => name).filter((name) => name !== 'client' && name !== 'consumer')
  const links = about.links.map(({ name }) => name)
  const drawn = lab.draw({ services, links }, (from, to) => randomInt(from, to + 1))
  const { fault, at, parameters, afterMs = 0, forMs } = drawn
  // The client is the lab's own.
  const inClient = at === 'client'
  const begin = async (): Promise<void> => {
    if (inClient || at === '') return
    await world.switchOn(fault, at, parameters)
    if (forMs === undefined) return
    await sleep(forMs)
    await world.switchOff(fault, at)
  }
  let late: Promise<unknown> | undefined
  // Ctrl-C ends the client, which hears it, too; the world has to be mended then as well.
  let stopped = false
  const onStop = (): void => {
    stopped = true
  }
  process.on('SIGINT', onStop)
  await world.clear()
  try {
    if (afterMs === 0) await begin()
    const run = await send(lab, about, inClient ? { [fault]: parameters } : {}, () => {
      if (afterMs === 0 || late) return
      late = sleep(afterMs).then(begin)
      // Told below, when all have been sent.
      late.catch(() => undefined)
    })
    await late
    if (stopped) throw new Error('the lab was stopped; nothing is broken any more')
    return run
  } finally {
    process.off('SIGINT', onStop)
    if (!inClient && at !== '') await world.switchOff(fault, at)
  }
}

/**
 * @param faults Of the client.
 * @param onAnswer Called when a photograph was answered.
 */
async function send(
  { rate, photographs }: Lab,
  about: WorldAnswer,
  faults: object,
  onAnswer: () => void,
): Promise<LabRun> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const script = fileURLToPath(new URL(`../client/main.${extension}`, import.meta.url))
  const where = ['--url', about.upload, '--ds_path', about.photographs]
  const load = ['--rate', String(rate), '--count', String(photographs), '--seed', '1', '--json', '--no-lookup']
  const register = import.meta.resolve('@spoor/instrument/register')
  const child = spawn(process.execPath, ['--import', register, script, ...where, ...load], {
    env: {
      ...process.env,
      OTEL_SERVICE_NAME: 'client',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_ENDPOINT: about.otlp,
      SPOOR_QUIET: '1',
      [FAULTS_VARIABLE]: JSON.stringify(faults),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const requestIds: string[] = []
  let id: string | undefined
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line) as Classification | { readonly summary: { readonly run: string } }
    if ('summary' in said) id = said.summary.run
    else {
      onAnswer()
      if (said.result) requestIds.push(said.result.requestId)
    }
  })
  await once(child, 'close')
  if (id === undefined) throw new Error('the client has ended before all photographs were sent')
  return { page: about.page, id, requestIds }
}

const fileOf = (state: string, number: number): string => join(state, 'labs', `${number}.json`)

/** Keeps it for the check. */
export async function writeRun(state: string, number: number, run: LabRun): Promise<void> {
  const file = fileOf(state, number)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, JSON.stringify(run))
}

/** @throws When the lab was not begun. */
export async function readRun(state: string, number: number): Promise<LabRun> {
  const text = await readFile(fileOf(state, number), 'utf8').catch((cause: unknown) => {
    throw new Error(`lab ${number} was not begun: npm run lab -- ${number}`, { cause })
  })
  return JSON.parse(text) as LabRun
}
