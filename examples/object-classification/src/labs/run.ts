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
import type { RunningWorld } from '../world/control/ask.ts'
import type { WorldAnswer } from '../world/control/server.ts'
import type { Lab } from './lab.ts'

/** Which traces a lab is about. */
export interface LabRun {
  /** Spoor's page. */
  readonly page: string
  /** The `load.run.id` of their first spans. */
  readonly id: string
  /** Of those that were taken: they find what is not below these. */
  readonly requestIds: readonly string[]
}

/** Breaks, sends, mends. Other faults are off meanwhile. */
export async function runLab(lab: Lab, world: RunningWorld): Promise<LabRun> {
  const about = await world.describe()
  const services = about.services.map(({ name }) => name).filter((name) => name !== 'client')
  const links = about.links.map(({ name }) => name)
  const drawn = lab.draw({ services, links }, (from, to) => randomInt(from, to + 1))
  const { fault, at, parameters, afterMs = 0 } = drawn
  const begin = (): Promise<unknown> => world.switchOn(fault, at, parameters)
  let late: Promise<unknown> | undefined
  await world.clear()
  try {
    if (afterMs === 0) await begin()
    const run = await send(lab, about, () => {
      if (afterMs === 0 || late) return
      late = sleep(afterMs).then(begin)
      // Told below, when all have been sent.
      late.catch(() => undefined)
    })
    await late
    return run
  } finally {
    await world.switchOff(fault, at)
  }
}

/** @param onAnswer Called when a photograph was answered. */
async function send(lab: Lab, { upload, otlp, photographs, page }: WorldAnswer, onAnswer: () => void): Promise<LabRun> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const client = fileURLToPath(new URL(`../client/main.${extension}`, import.meta.url))
  const flags = [
    '--url',
    upload,
    '--ds_path',
    photographs,
    '--rate',
    String(lab.rate),
    '--count',
    String(lab.photographs),
  ]
  const register = import.meta.resolve('@spoor/instrument/register')
  const child = spawn(
    process.execPath,
    ['--import', register, client, ...flags, '--seed', '1', '--json', '--no-lookup'],
    {
      env: {
        ...process.env,
        OTEL_SERVICE_NAME: 'client',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
        OTEL_EXPORTER_OTLP_ENDPOINT: otlp,
        SPOOR_QUIET: '1',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
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
  return { page, id, requestIds }
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
