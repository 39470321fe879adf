/** A run of the world from its first line to the last process that ends. */
import type { Server } from 'node:http'
import { relative } from 'node:path'
import {
  KINDS,
  listPhotographs,
  modelName,
  PHOTOGRAPHS,
  prepareLabels,
  prepareModels,
  preparePhotographs,
} from '@spoor/example-models'
import type { PreparedModel } from '@spoor/example-models'
import type { Classification } from '../client/send.ts'
import { tableHeader, tableLayout, tableRow, traceLink } from '../client/table.ts'
import { placedServices, planAddresses } from './addresses.ts'
import type { Addresses } from './addresses.ts'
import { lastLines } from './child.ts'
import type { Child, Program } from './child.ts'
import { createControls } from './control/controls.ts'
import { startControl } from './control/server.ts'
import type { FaultBoard } from './faults/board.ts'
import { takenPorts } from './ports.ts'
import {
  clientProgram,
  collectorProgram,
  faultsEnvironment,
  localUrl,
  namespaceMembers,
  neededPorts,
  serverProgram,
  servicePrograms,
  spoorProgram,
} from './programs.ts'
import type { ClientOptions } from './programs.ts'
import { Processes } from './processes.ts'
import { chooseServers } from './servers/choose.ts'
import type { OwnServers } from './servers/choose.ts'
import { whyNoNamespaces } from './netns/ip.ts'
import { openNamespaces } from './netns/namespaces.ts'
import type { Namespaces } from './netns/namespaces.ts'
import { LOOPBACK } from './netns/places.ts'
import type { Places } from './netns/places.ts'
import { createScreen } from './screen.ts'
import type { Screen } from './screen.ts'
import type { Settings } from './settings.ts'
import { linkText, openNetwork } from './sites/open.ts'
import type { OpenNetwork } from './sites/open.ts'
import { readWorldFile } from './sites/world-file.ts'
import type { WorldFile } from './sites/world-file.ts'
import { checkTrace, storedSpans } from './traces.ts'

/** Requests a second while each photograph is sent for the first time. */
const FIRST_RATE = 2
/** Time for the last spans to arrive, ms. */
const TRACE_TIMEOUT_MS = 60_000

/** Starts in the background, and stops after those that send to it. */
const CONSUMER = 'consumer'

/** Why a run was stopped before its end. */
class Stopped extends Error {
  override readonly name = 'Stopped'
}

/** @returns The exit code: 0, or 1 when something failed. */
export async function runWorld(settings: Settings): Promise<number> {
  const screen = createScreen(process.stdout)
  const stopping = new AbortController()
  const onSignal = (): void => {
    // Asked twice, it is in a hurry: the children end by themselves when this process is gone.
    if (stopping.signal.aborted) process.exit(130)
    stopping.abort(new Stopped('stopped'))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  // A terminal that was closed is no reason to leave the children behind.
  process.stdout.on('error', () => undefined)
  const world = new World(settings, screen, stopping)
  try {
    return await world.run()
  } catch (error) {
    screen.line()
    if (error instanceof Stopped) return 0
    screen.bad(error instanceof Error ? error.message : String(error))
    return 1
  } finally {
    await world.stop()
  }
}

/** The processes of one run. */
class World {
  readonly #settings: Settings
  readonly #screen: Screen
  readonly #stopping: AbortController
  readonly #processes: Processes
  readonly #page: string
  /** The services that may be broken, by name. */
  readonly #services = new Map<string, Program>()
  #board: FaultBoard | undefined
  #control: Server | undefined
  #addresses: Addresses | undefined
  #network: OpenNetwork | undefined
  #namespaces: Namespaces | undefined

  constructor(settings: Settings, screen: Screen, stopping: AbortController) {
    this.#settings = settings
    this.#screen = screen
    this.#stopping = stopping
    this.#page = localUrl(settings.ports.page)
    this.#processes = new Processes({ signal: stopping.signal, onUnexpectedEnd: (error) => stopping.abort(error) })
  }

  async run(): Promise<number> {
    const screen = this.#screen
    const { world: file, models: names } = this.#settings
    const world = file === undefined ? undefined : await readWorldFile(file, placedServices(names.map(modelName)))
    screen.line()
    const reason = this.#settings.netns ? whyNoNamespaces() : undefined
    if (reason !== undefined) throw new Error(reason)
    await this.#checkPorts(world)
    const servers = this.#settings.withQueue ? await chooseServers(this.#settings.servers) : undefined
    const { models, labels, folder } = await this.#prepare()
    await this.#openNamespaces(names.map(modelName), world, servers)
    await this.#startSpoor()
    await this.#connect(models, world, servers)
    const services = await this.#startServices(models, labels)
    await this.#openControl(folder)
    const good = await this.#sendPhotographs(folder, services)
    if (this.#settings.once) return good ? 0 : 1
    await this.#trickle(folder)
    return 0
  }

  /** Stops everything, the senders first, so that what they still have to report arrives. */
  async stop(): Promise<void> {
    this.#control?.close()
    this.#control?.closeAllConnections()
    try {
      await this.#stopPrograms()
    } finally {
      await this.#namespaces?.close()
    }
  }

  async #stopPrograms(): Promise<void> {
    const { running } = this.#processes
    if (running.length === 0) return
    this.#stopping.abort(new Stopped('stopped'))
    this.#screen.status('Stopping ...')
    const spoor = running.pop()
    const rank = ({ program: { name } }: Child): number =>
      name === CONSUMER ? 1 : name === 'client' || this.#services.has(name) ? 0 : 2
    // The consumer takes what the ensemble has left in the queue, and reports it through what is started before it.
    for (const child of running.sort((a, b) => rank(a) - rank(b))) await child.stop()
    // What it has seen is still to be reported.
    await this.#network?.close()
    await spoor?.stop()
    this.#screen.line(`  Stopped. The traces are kept in ${shortPath(this.#settings.data)}.`)
  }

  async #checkPorts(world: WorldFile | undefined): Promise<void> {
    const taken = await takenPorts(neededPorts(this.#settings, world))
    if (taken.length === 0) return
    const lines = taken.map(({ use, port, flag, holder }) => {
      const who = holder ? `process ${holder.pid} (${holder.command})` : 'another process'
      const stop = holder ? `Stop it (kill ${holder.pid})` : 'Stop it'
      return `Port ${port}, needed for ${use}, is taken by ${who}.\n    ${stop}, or choose another port: npm start -- ${flag} ${port < 60_000 ? port + 1000 : port - 1000}`
    })
    throw new Error(lines.join('\n  ✗ '))
  }

  async #prepare(): Promise<{ models: PreparedModel[]; labels: string; folder: string }> {
    const { cache, models, photographs } = this.#settings
    const options = { cache, output: this.#screen.output, signal: this.#stopping.signal }
    return {
      models: await prepareModels(models, options),
      labels: await prepareLabels(options),
      folder: photographs ?? (await preparePhotographs(options)),
    }
  }

  get #places(): Places {
    return this.#namespaces ?? LOOPBACK
  }

  /** With `--netns`: before anything is started. */
  async #openNamespaces(
    models: readonly string[],
    world: WorldFile | undefined,
    own: OwnServers | undefined,
  ): Promise<void> {
    if (!this.#settings.netns) return
    this.#namespaces = await openNamespaces(namespaceMembers(this.#settings, models, world, own?.servers))
    for (const line of this.#namespaces.cleared) this.#screen.fact('Cleared', line)
    const addresses = [...this.#namespaces.addresses].map(([name, address]) => `${name} ${address}`)
    this.#screen.fact('Namespaces', addresses.join('   '))
  }

  async #startSpoor(): Promise<void> {
    const { ports } = this.#settings
    await this.#start([spoorProgram(this.#settings, this.#places)])
    const kept = await storedSpans(this.#page)
    const earlier = kept > 0 ? `   ${kept.toLocaleString('en')} spans of earlier runs` : ''
    this.#screen.fact('Spoor', `${this.#page}   OTLP gRPC ${ports.otlpGrpc}   OTLP HTTP ${ports.otlpHttp}${earlier}`)
  }

  /** Opens the links between sites, where there are some, and starts the collectors. */
  async #connect(
    models: readonly PreparedModel[],
    world: WorldFile | undefined,
    own: OwnServers | undefined,
  ): Promise<void> {
    const names = models.map(({ name }) => name)
    if (world) this.#network = openNetwork(this.#settings, world, this.#places)
    const placed = world && this.#network && { world, network: this.#network.network }
    const { queueUrl, databaseUrl } = this.#settings
    const urls = own?.urls(this.#places)
    const queue = queueUrl ?? urls?.queue
    const database = databaseUrl ?? urls?.database
    const servers = { ...(queue !== undefined && { queue }), ...(database !== undefined && { database }) }
    this.#addresses = await planAddresses(this.#settings, names, placed, servers, this.#places)
    if (own) {
      await this.#start(own.servers.map((server) => serverProgram(this.#settings, server, this.#places)))
      this.#screen.fact('Servers', `${own.text}   ${shortPath(this.#settings.servers)}`)
    }
    for (const site of world?.sites ?? []) this.#screen.fact(site.name, site.services.join('   '))
    for (const link of this.#network?.network.links ?? []) this.#screen.fact(link.name, linkText(link))
    const { collectors } = this.#addresses
    if (collectors.length === 0) return
    await this.#start(collectors.map((collector) => collectorProgram(this.#settings, collector, this.#places)))
    for (const { name, grpcPort, httpPort, queue } of collectors)
      this.#screen.fact(
        name === 'collector' ? 'Collector' : name,
        `OTLP gRPC ${grpcPort}   OTLP HTTP ${httpPort}   sends to Spoor's OTLP gRPC` +
          (queue === undefined ? '' : `   queue ${shortPath(queue)}`),
      )
  }

  #placed(): Addresses {
    if (!this.#addresses) throw new Error('nothing is placed yet')
    return this.#addresses
  }

  async #startServices(models: readonly PreparedModel[], labels: string): Promise<string[]> {
    const programs = servicePrograms(this.#settings, models, labels, this.#placed())
    for (const program of programs) this.#services.set(program.name, program)
    await this.#start(programs.filter(({ name }) => name !== CONSUMER))
    // Nobody waits for it, and results wait in the queue.
    const consumer = programs.filter(({ name }) => name === CONSUMER)
    this.#processes.start(consumer).catch((error: unknown) => this.#stopping.abort(error))
    const { ports } = this.#settings
    const inference = models.map(({ name }, index) => `inference-${name} ${ports.inference[index]}`)
    const named = [
      `preprocessing ${ports.preprocessing}`,
      `ensemble ${ports.ensemble}`,
      ...inference,
      `consumer ${ports.consumer}`,
    ]
    this.#screen.fact('Services', named.join('   '))
    return programs.map(({ name }) => name)
  }

  async #start(programs: readonly Program[]): Promise<void> {
    this.#screen.status(`Starting ${programs.map(({ name }) => name).join(', ')} ...`)
    await this.#processes.start(programs)
  }

  /** Opens the switches of the faults: the page, and what it asks. */
  async #openControl(photographs: string): Promise<void> {
    const { ports } = this.#settings
    const controlled = createControls({
      page: this.#page,
      photographs,
      addresses: this.#placed(),
      processes: this.#processes,
      services: this.#services,
      network: this.#network?.network,
    })
    this.#board = controlled.board
    this.#control = await startControl(controlled, ports.control)
    this.#screen.fact('Faults', localUrl(ports.control))
  }

  /** Sends each photograph once and prints the table. @returns Whether all labels and traces are as they should be. */
  async #sendPhotographs(folder: string, services: readonly string[]): Promise<boolean> {
    const screen = this.#screen
    const files = await listPhotographs(folder)
    const names = files.map((file) => file.split(/[\\/]/).pop() ?? file)
    const layout = tableLayout(names, screen.width, this.#page)
    screen.line()
    screen.heading(tableHeader(layout))
    const sent: Classification[] = []
    await this.#runClient({ folder, rate: FIRST_RATE }, (classification) => {
      sent.push(classification)
      screen.line(tableRow(classification, layout))
    })
    screen.line()
    const labelled = this.#checkLabels(sent)
    return (await this.#checkTraces(sent, ['client', ...services])) && labelled && sent.length === files.length
  }

  /** Says which of the photographs that Spoor brings have a label of another kind than what they show. */
  #checkLabels(sent: readonly Classification[]): boolean {
    if (this.#settings.photographs !== undefined) return sent.every(({ error }) => error === undefined)
    const wrong = sent.filter(({ file, result }) => {
      const { shows } = PHOTOGRAPHS.find(({ name }) => name === file) ?? {}
      if (!result) return true
      const [first, last] = shows === undefined ? [0, 999] : KINDS[shows]
      return result.index < first || result.index > last
    })
    for (const { file, result, error } of wrong) this.#screen.bad(`${file}: ${error ?? `not a ${result?.label}`}`)
    return wrong.length === 0
  }

  async #checkTraces(sent: readonly Classification[], services: readonly string[]): Promise<boolean> {
    this.#screen.status('Looking the traces up ...')
    const options = { services, deadline: Date.now() + TRACE_TIMEOUT_MS, signal: this.#stopping.signal }
    const checks = await Promise.all(
      sent.filter(({ result }) => result).map(({ traceId }) => checkTrace(this.#page, traceId, options)),
    )
    const broken = checks.filter(({ findings }) => findings.length > 0)
    for (const { traceId, findings } of broken)
      this.#screen.bad(`${traceLink(this.#page, traceId)} is not complete: ${findings.join('; ')}`)
    if (broken.length > 0 || checks.length === 0) return false
    const spans = Math.max(...checks.map((check) => check.spans))
    const tail = Math.round(checks.reduce((sum, check) => sum + check.tailMs, 0) / checks.length)
    this.#screen.good(
      `${checks.length} traces, all complete: ${spans} spans over ${services.length} services each; ` +
        `the ensemble worked on for ${tail} ms after its answer`,
    )
    return true
  }

  /** Goes on with one photograph now and then, until the world is stopped. */
  async #trickle(folder: string): Promise<void> {
    const screen = this.#screen
    const { rate } = this.#settings
    const pace = rate < 1 ? `a photograph every ${Number((1 / rate).toFixed(1))} s` : `${rate} a second`
    screen.line()
    screen.line(`  The traces: ${this.#page}   Goes on with ${pace}; Ctrl-C stops everything.`)
    let count = 0
    await this.#runClient({ folder, rate, count: 0 }, (classification) => {
      const { file, result, error, traceId } = classification
      const link = traceLink(this.#page, traceId)
      if (this.#settings.json) screen.line(JSON.stringify(classification))
      else if (error !== undefined) screen.bad(`${file}: ${error}   ${link}`)
      else screen.status(`${++count} sent; last ${file}: ${result?.label}   ${link}`)
    })
  }

  /** Runs the client until it has sent all, or rejects with the reason when the world is stopped. */
  async #runClient(
    options: Omit<ClientOptions, 'onLine'>,
    onClassification: (classification: Classification) => void,
  ): Promise<void> {
    const { signal } = this.#stopping
    let lines = 0
    const onLine = (line: string): void => {
      const said = JSON.parse(line) as Classification | { readonly summary: object }
      if (signal.aborted || 'summary' in said) return
      lines++
      onClassification(said)
    }
    const program = clientProgram(this.#settings, this.#placed(), { ...options, onLine })
    const faults = faultsEnvironment(this.#board?.inside('client') ?? {})
    await this.#processes.runToEnd({ ...program, env: { ...program.env, ...faults } })
    if (lines === 0) throw new Error(`the client sent nothing\n${await lastLines(program)}`)
  }
}

/** As seen from the current folder, when it is inside. */
function shortPath(path: string): string {
  const short = relative('', path)
  return short.startsWith('..') ? path : short
}
