/** What the OpenTelemetry Collector makes of a case that is not of OTLP alone: in a process of its own, as its ports are its own. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { countSpans, tracesFromJson } from '@spoor/otlp'
import { freePort, postTraces } from '../otlp-http.ts'
import { validate } from './real.ts'
import { postAll, spansIn, wireConfig, zipkinBody, type WireCase } from './wire-case.ts'
import { startWireServer } from './wire-server.ts'

const START_MS = 60_000

export interface WireOutcome {
  readonly output?: unknown
  readonly error?: string
}

export async function runWireReal(binary: string, golden: WireCase): Promise<WireOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'golden-'))
  const server = await startWireServer()
  try {
    const [port, otlp] = [await freePort(), await freePort()]
    const fileOf = (name: string): string => join(folder, `${name.replaceAll(/\W/g, '-')}.json`)
    const isReceiver = golden.kind === 'receiver'
    const text = wireConfig(
      golden,
      { port, server: server.address },
      {
        receivers: isReceiver
          ? {}
          : Object.fromEntries([
              ['otlp', { protocols: { http: { endpoint: `127.0.0.1:${otlp}` } } }],
              ...golden.backends.map((endpoint) => [`otlp/${endpoint}`, { protocols: { grpc: { endpoint } } }]),
            ]),
        exporters: isReceiver
          ? { file: { path: fileOf('out') } }
          : Object.fromEntries(golden.backends.map((endpoint) => [`file/${endpoint}`, { path: fileOf(endpoint) }])),
        pipelines: {
          traces: isReceiver
            ? { receivers: [golden.type], exporters: ['file'] }
            : { receivers: ['otlp'], exporters: [golden.type] },
          ...Object.fromEntries(
            golden.backends.map((endpoint) => [
              `traces/${endpoint}`,
              { receivers: [`otlp/${endpoint}`], exporters: [`file/${endpoint}`] },
            ]),
          ),
        },
        telemetry: { metrics: { level: 'none' }, logs: { level: 'error' } },
      },
    )
    const config = join(folder, 'config.yaml')
    writeFileSync(config, text)
    const error = await validate(binary, config)
    if (error !== undefined) return { error }
    const child = spawn(binary, [`--config=${config}`], { stdio: ['ignore', 'ignore', 'inherit'] })
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
    let statuses: unknown
    try {
      const ports = [isReceiver ? `127.0.0.1:${port}` : `127.0.0.1:${otlp}`, ...golden.backends]
      for (const address of ports) await listening(address, () => child.exitCode === null)
      if (isReceiver) statuses = await postAll(golden, ports[0]!)
      for (const request of golden.input) {
        const body = tracesFromJson(JSON.stringify(request))
        // It may have looked for a backend before that listened, and looks again in a while.
        for (const until = Date.now() + START_MS; ; await sleep(500)) {
          const status = await postTraces(ports[0]!, body)
          if (status === 200) break
          if (Date.now() > until) throw new Error(`${golden.name}: ${status}`)
        }
      }
      if (golden.type === 'zipkin' && !isReceiver)
        for (const until = Date.now() + START_MS; server.bodies.length < golden.input.length && Date.now() < until;)
          await sleep(50)
    } finally {
      child.kill('SIGTERM')
      await ended
    }
    const requestsIn = (name: string): object[] =>
      existsSync(fileOf(name)) ? linesOf(readFileSync(fileOf(name), 'utf8')) : []
    if (isReceiver)
      return {
        output: {
          answers: statuses,
          requests: requestsIn('out').filter((each) => countSpans(tracesFromJson(JSON.stringify(each))) > 0),
        },
      }
    if (golden.backends.length === 0) return { output: server.bodies.map(zipkinBody) }
    const bytes = (request: object): Uint8Array => tracesFromJson(JSON.stringify(request))
    return {
      output: Object.fromEntries(
        // What was sent again may have come twice.
        golden.backends.map((endpoint) => [endpoint, [...new Set(spansIn(requestsIn(endpoint).map(bytes)))]]),
      ),
    }
  } finally {
    await server.close()
    rmSync(folder, { recursive: true })
  }
}

async function listening(address: string, isRunning: () => boolean): Promise<void> {
  const at = address.lastIndexOf(':')
  for (const deadline = Date.now() + START_MS; ;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(Number(address.slice(at + 1)), address.slice(0, at), () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(false))
    })
    if (isOpen) return
    if (!isRunning() || Date.now() > deadline) throw new Error(`nobody listens on ${address}`)
    await sleep(50)
  }
}

function linesOf(text: string): object[] {
  return text.split('\n').filter(Boolean).map((line) => JSON.parse(line) as object) // prettier-ignore
}
