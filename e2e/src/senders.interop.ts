/** The official SDKs of other languages, each with its defaults, at the port of its protocol and at the other one: every field arrives. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCertificates } from './interop-certificates.ts'
import { buildSender, type Language, languages, missingTools, runSender } from './interop-senders.ts'
import { expectedTraces, fromSpoor, storedTraces, type Run } from './interop-spans.ts'
import { eventually, freePorts, type Program, type RunningSpoor, root, runProgram, startSpoor } from './spoor.ts'

const COUNT = 300
const folder = mkdtempSync(join(tmpdir(), 'spoor-interop-'))
const certificates = createCertificates(folder)

/** Where a sender sends: the ports of gRPC and of HTTP. */
interface Target {
  readonly grpc: number
  readonly http: number
}

let spoor: RunningSpoor
let direct: Target
const collectors: Program[] = []
let before: Target
let withTls: Target
let runs = 0

/** A collector before the Spoor, up when this resolves. */
async function startCollector(tls: string): Promise<Target> {
  const [grpc, http] = (await freePorts(2)) as [number, number]
  const config = join(folder, `collector-${http}.yaml`)
  writeFileSync(
    config,
    `receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:${grpc}"${tls}}, http: {endpoint: "127.0.0.1:${http}"${tls}}}}}
exporters: {otlp_grpc: {endpoint: "${spoor.grpc}", tls: {insecure: true}}}
service: {telemetry: {metrics: {level: none}}, pipelines: {traces: {receivers: [otlp], exporters: [otlp_grpc]}}}
`,
  )
  const main = join(root, 'packages', 'server', 'dist', 'main.js')
  const program = runProgram([main, 'collector', '--config', config, '--status-endpoint', 'off'])
  collectors.push(program)
  const isUp = async (): Promise<true | undefined> => program.output().includes('Ctrl-C stops') || undefined
  await eventually('the collector is up', isUp, 60_000, program.output)
  return { grpc, http }
}

beforeAll(async () => {
  spoor = await startSpoor()
  const portOf = (address: string): number => Number(address.split(':').at(-1))
  direct = { grpc: portOf(spoor.grpc), http: portOf(spoor.http) }
  before = await startCollector('')
  withTls = await startCollector(`, tls: {${certificates.server}}`)
})
afterAll(async () => {
  await Promise.all(collectors.map((collector) => collector.stop()))
  await spoor.remove()
  rmSync(folder, { recursive: true, force: true })
})

async function check(language: Language, protocol: string, url: string, env: Record<string, string>): Promise<void> {
  const prefix = (Date.now() % 0xfffffff).toString(16).padStart(7, '0') + (runs++ % 16).toString(16)
  const run: Run = {
    ...language,
    prefix,
    t0: Date.now(),
    count: COUNT,
    service: `${language.name}-${protocol}-${runs}`,
  }
  await runSender(language, protocol, run, { OTEL_EXPORTER_OTLP_ENDPOINT: url, ...env })
  expect(await storedTraces(fromSpoor(spoor.page), run)).toEqual(expectedTraces(run))
}

const GZIP = { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }
const PLACES = [
  ['Spoor', 'its port', 'its defaults', {}],
  ['Spoor', 'the other port', 'gzip', GZIP],
  ['a collector before it', 'its port', 'gzip', GZIP],
  ['a collector before it', 'the other port', 'its defaults', {}],
] as const

describe.each(languages)('the official SDK of $name', (language) => {
  const missing = missingTools(language)
  if (missing.length > 0) return it.skip(`${missing.join(' and ')} not installed`)
  beforeAll(async () => buildSender(language), 1_800_000)

  const portOf = (protocol: string, place: string, target: Target): number =>
    (protocol === 'grpc') === (place === 'its port') ? target.grpc : target.http

  describe.each(language.protocols)('%s', (protocol) => {
    it.each(PLACES)('to %s, at %s, with %s', async (target, place, _, env) => {
      const port = portOf(protocol, place, target === 'Spoor' ? direct : before)
      await check(language, protocol, `http://127.0.0.1:${port}`, env)
    })

    const speaksTls = language.name === 'go' || (language.name === 'rust' && protocol === 'grpc')
    it.runIf(speaksTls).each(['its port', 'the other port'])('over TLS, at %s', async (place) => {
      const url = `https://127.0.0.1:${portOf(protocol, place, withTls)}`
      await check(language, protocol, url, { OTEL_EXPORTER_OTLP_CERTIFICATE: certificates.ca })
    })
  })
})
