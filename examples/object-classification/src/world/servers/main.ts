/**
 * RabbitMQ or PostgreSQL of one world, as a program of it: `GET /` on `--health-port` is good when it takes connections.
 * This ends when the server does, and the server ends with it.
 */
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { resolve } from 'node:path'
import { cac } from 'cac'
import type { Command } from 'cac'
import { readPort, runCli } from '../../service/cli.ts'
import { startNative } from './native.ts'
import type { NativeProcess, NativeProgram, ServerPlace } from './native.ts'
import { postgresProgram } from './postgres.ts'
import { findServerPrograms } from './programs.ts'
import { rabbitmqPrograms } from './rabbitmq.ts'

interface Flags {
  readonly folder: string
  readonly host: string
  readonly port: number
  readonly healthPort: number
  /** Of RabbitMQ only. */
  readonly distPort: number
  readonly epmdPort: number
}

/** The variable with the password. */
const PASSWORD = 'SERVERS_PASSWORD'

const cli = cac('servers')
const command = (name: string, what: string): Command =>
  cli
    .command(name, what)
    .option('--folder <folder>', 'Where the data of both is kept')
    .option('--host <address>', 'What it listens on', { default: '127.0.0.1' })
    .option('--port <port>', 'Where it takes connections')
    .option('--health-port <port>', 'Says when it does')
command('postgresql', 'PostgreSQL with a folder of its own').action((flags: Flags) => {
  run(flags, (place, folder) => [postgresProgram(findServerPrograms(), resolve(folder, 'postgres'), place)])
})
command('rabbitmq', 'RabbitMQ with a folder of its own')
  .option('--dist-port <port>', 'Of its node')
  .option('--epmd-port <port>', "Of Erlang's register")
  .action((flags: Flags) => {
    const more = { dist: readPort('--dist-port', flags.distPort), epmd: readPort('--epmd-port', flags.epmdPort) }
    run(flags, (place, folder) =>
      rabbitmqPrograms(findServerPrograms(), resolve(folder, 'rabbitmq'), { ...place, ...more }),
    )
  })
await runCli(cli)

function run(flags: Flags, plan: (place: ServerPlace, folder: string) => NativeProgram[]): void {
  const folder = resolve(flags.folder)
  const { host } = flags
  const port = readPort('--port', flags.port)
  // Users of two servers go through it, and see nothing.
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  const all = plan({ host, port, password: process.env[PASSWORD] ?? '' }, folder).map(startNative)
  const server = createServer((_request, response) => {
    void answers(port).then((ready) => response.writeHead(ready ? 200 : 503).end())
  }).listen(readPort('--health-port', flags.healthPort), host)

  let stopping = false
  const stop = async (): Promise<void> => {
    if (stopping) return
    stopping = true
    server.close()
    server.closeAllConnections()
    const [register] = all.filter(({ name }) => name === 'epmd')
    await Promise.all(all.filter((one) => one !== register).map((one) => one.stop()))
    await register?.stop()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop())
  for (const one of all) void watch(one)

  async function watch({ name, ended }: NativeProcess): Promise<void> {
    const how = await ended
    if (stopping) return
    console.error(`${name} has ended: ${how}`)
    process.exitCode = 1
    await stop()
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      done(true)
    })
    socket.once('error', () => done(false))
  })
}
