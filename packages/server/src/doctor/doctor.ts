/** `spoor doctor`: the way of a span from an application's settings to its place in the store, step by step, with what is wrong and the lines that mend it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isLoopback } from '@spoor/collector'
import type { StatusResponse } from '../api.ts'
import { checkContainerFiles } from './container-files.ts'
import { type Diagnosis, diagnosis, env, shell } from './diagnosis.ts'
import { type Environment, isInContainer, type Setting } from './environment.ts'
import { checkNetwork, type Step, withOrigin } from './network.ts'
import { checkNode } from './node-application.ts'
import { probe } from './probing.ts'
import type { ProbeResult } from './probe.ts'
import { checkPython, isPythonCommand, type PythonReport } from './python-application.ts'
import { findingsAt, type Hop, readBack, spoorAt } from './read-back.ts'
import { type Language, resolveSettings, type Target } from './settings.ts'
import { type Watched, watch } from './watch.ts'

export interface DoctorCommand {
  /** Where the application is. */
  readonly directory: string
  readonly environment: Environment
  /** Spoor's page, as `http://127.0.0.1:16686`; undefined: on the host that spans go to. */
  readonly page: string | undefined
  /** The status of a collector before it. */
  readonly collector: string
  /** What is run, instrumented, and watched; empty: nothing. */
  readonly command: readonly string[]
  /** For how long. Milliseconds. */
  readonly watchMs: number
  /** How long the probe may take to the store: batches wait on the way. Milliseconds. */
  readonly patienceMs: number
}

export interface DoctorReport {
  readonly ok: boolean
  readonly language: Language
  readonly settings: readonly Setting[]
  readonly steps: readonly Step[]
  readonly probes: readonly ProbeResult[]
  readonly hops: readonly Hop[]
  /** By how much the clock of the receiver is ahead, to half a second; absent where it did not say. */
  readonly clockMs?: number
  readonly spoor?: { readonly page: string; readonly version: string }
  readonly python?: Omit<PythonReport, 'diagnoses'>
  readonly watched?: Watched
  /** What is wrong, the gravest first. */
  readonly diagnoses: readonly (Diagnosis & { readonly where: string })[]
}

/** Clocks this far apart are told. Milliseconds. */
const CLOCK_MS = 5_000

/** `signal`: ends what it runs. Resolves in any case. */
export async function doctor(command: DoctorCommand, signal: AbortSignal): Promise<DoctorReport> {
  const { directory, environment } = command
  const language = languageOf(command)
  const { settings, target, diagnoses: ofSettings } = resolveSettings(environment, language)
  const found: (Diagnosis & { where: string })[] = []
  const add = (where: string, all: readonly Diagnosis[]): void =>
    void found.push(...all.map((one) => ({ ...one, where })))
  add('the environment', ofSettings)
  const network = await checkNetwork(target, environment, isInContainer())
  const page = command.page ?? `http://${target.url.hostname}:16686`
  const status = await spoorAt(page)
  const placed = (all: readonly Diagnosis[]): Diagnosis[] =>
    all.map((one) => (status ? withPorts(one, target, status) : one))
  add('the way there', placed(network.diagnoses))
  const sentMs = Date.now()
  const misled = status && ofPage(target, page)
  const probing = network.isOpen && !misled ? await probe(target) : undefined
  add('the receiver', placed(misled ? [misled] : (probing?.diagnoses ?? [])))
  const clockMs = probing?.results.find((result) => result.clockMs !== undefined)?.clockMs
  add('the clock', clockMs === undefined ? [] : clockOf(clockMs))
  const back =
    probing?.probe &&
    (await readBack(probing.probe, { page, collector: command.collector }, sentMs, command.patienceMs))
  add('the way back', back?.diagnoses ?? [])
  const node = checkNode(directory, environment)
  add(`the application in ${directory}`, node ?? [])
  const python = await checkPython(directory, environment)
  add(`the application in ${directory}`, python?.diagnoses ?? [])
  add(`the application in ${directory}`, checkContainerFiles(directory))
  const watched = command.command.length > 0 ? await watch(command, page, signal) : undefined
  add('the program', watched?.diagnoses ?? [])
  if (status) add(`Spoor at ${page}`, await ofSpoor(page, status))
  const rank = { error: 0, warning: 1, info: 2 }
  const diagnoses = unique(found).sort((a, b) => rank[a.severity] - rank[b.severity])
  return {
    ok: !diagnoses.some(({ severity }) => severity === 'error'),
    language,
    settings,
    steps: network.steps,
    probes: probing?.results ?? [],
    hops: back?.hops ?? [],
    ...(clockMs !== undefined && { clockMs }),
    ...(status && { spoor: { page, version: status.version } }),
    ...(python && { python: { interpreter: python.interpreter, packages: ofTracing(python.packages) } }),
    ...(watched && { watched }),
    diagnoses,
  }
}

/** What says that an address is not one of OTLP. */
const ELSEWHERE = new Set([
  'wrong_port',
  'nothing_listens',
  'unknown_host',
  'not_found',
  'not_otlp',
  'proxy_without_receiver',
])

/** With the address at which the Spoor that is asked takes OTLP. */
function withPorts(one: Diagnosis, { protocol, url, endpointFrom }: Target, { endpoints }: StatusResponse): Diagnosis {
  const { otlpGrpc, otlpHttp } = endpoints
  const right = protocol === 'grpc' ? otlpGrpc && `http://${otlpGrpc}` : otlpHttp
  if (!right || !ELSEWHERE.has(one.code)) return one
  const line = env(
    endpointFrom ?? 'OTEL_EXPORTER_OTLP_ENDPOINT',
    withOrigin(url, right, endpointFrom ?? 'OTEL_EXPORTER_OTLP_ENDPOINT', protocol),
  )
  return diagnosis(one.code, one.what.replace(/\.$/, `; Spoor takes OTLP at ${right}.`), 'Write that address.', [line])
}

/** Of an address that is the page's: it is not asked, as what comes there leaves traces in the ledger. */
function ofPage({ url }: Target, page: string): Diagnosis | undefined {
  const { hostname, port } = new URL(page)
  const isSameHost = hostname === url.hostname || (isLoopback(hostname) && isLoopback(url.hostname))
  if (!isSameHost || port !== url.port) return undefined
  return diagnosis('wrong_port', `Spans are sent to ${url.host}, where Spoor’s page is.`, 'Write the port of OTLP.')
}

/** The same thing seen at two places is told where it was seen first: where the settings tell of a path, what the receiver says to it is no news. */
function unique(all: readonly (Diagnosis & { where: string })[]): (Diagnosis & { where: string })[] {
  const codes = new Set<string>()
  const isPathTold = all.some(({ code }) => code === 'doubled_path' || code === 'missing_path')
  return all.filter(({ code, what }) => {
    if (code === 'wrong_path' && isPathTold) return false
    const key = SAME.has(code) ? code : `${code}\n${what}`
    if (codes.has(key)) return false
    codes.add(key)
    return true
  })
}

/** Known by the settings, and then by what the receiver says to them. */
const SAME = new Set(['doubled_path', 'missing_path', 'tls_to_plain_port'])

function languageOf({ directory, command }: DoctorCommand): Language {
  const [program = ''] = command
  if (isPythonCommand(program)) return 'python'
  if (/(?:^|\/)(?:node|npm|npx|tsx|pnpm|yarn|next)$/.test(program)) return 'node'
  if (existsSync(join(directory, 'package.json'))) return 'node'
  const isPython = ['requirements.txt', 'pyproject.toml', 'Pipfile', 'setup.py', 'manage.py'].some((name) =>
    existsSync(join(directory, name)),
  )
  return isPython ? 'python' : 'any'
}

function clockOf(aheadMs: number): Diagnosis[] {
  if (Math.abs(aheadMs) < CLOCK_MS) return []
  const by = `${Math.round(Math.abs(aheadMs) / 1000)} s`
  return [
    diagnosis(
      'clock',
      `The clock of the receiver is ${by} ${aheadMs > 0 ? 'ahead of' : 'behind'} the one here: spans lie there in the ${aheadMs > 0 ? 'past' : 'future'}.`,
      'Set both by NTP.',
      [shell('timedatectl set-ntp true')],
      'warning',
    ),
  ]
}

function ofTracing(packages: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(packages).filter(([name]) =>
      /^opentelemetry|^(?:fastapi|flask|django|gunicorn|uvicorn|uwsgi)$/.test(name),
    ),
  )
}

/** What a Spoor that runs has to say of those who send to it, and of what came. */
async function ofSpoor(page: string, status: StatusResponse): Promise<Diagnosis[]> {
  const findings = await findingsAt(page).catch(() => [])
  const all = [...status.attention.filter(({ spans }) => !spans), ...findings]
  return all.map(({ code, severity, what, where, mend, lines, count, lastSeenMs }) => ({
    code,
    // It may be of another application: of this one, the steps before have told.
    severity: severity === 'error' ? 'warning' : severity,
    what: `${what} (${where}; ${count} times, last ${Math.max(0, Math.round((Date.now() - lastSeenMs) / 1000))} s ago)`,
    mend,
    lines,
  }))
}
