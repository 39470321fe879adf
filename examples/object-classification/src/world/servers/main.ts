/**
 * RabbitMQ and PostgreSQL of one world, as one program of it: `GET /health` on `--health-port` is good when both take
 * connections. It ends when one of the two does, and both end with it.
 */
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { resolve } from 'node:path'
import { cac } from 'cac'
import { readPort, runCli } from '../../service/cli.ts'
import { startNative } from './native.ts'
import type { NativeProcess } from './native.ts'
import { postgresProgram } from './postgres.ts'
import { findServerPrograms } from './programs.ts'
import { rabbitmqPrograms } from './rabbitmq.ts'

interface Flags {
  readonly folder: string
  readonly amqpPort: number
  readonly distPort: number
  readonly epmdPort: number
  readonly postgresPort: number
  readonly healthPort: number
}

/** The variable with the password of both. */
const PASSWORD = 'SERVERS_PASSWORD'

const cli = cac('servers')
cli
  .command('', 'RabbitMQ and PostgreSQL with folders of their own')
  .option('--folder <folder>', 'Where their data is kept')
  .option('--amqp-port <port>', 'Of RabbitMQ')
  .option('--dist-port <port>', 'Of its node')
  .option('--epmd-port <port>', "Of Erlang's register")
  .option('--postgres-port <port>', 'Of PostgreSQL')
  .option('--health-port <port>', 'Says when both are ready')
  .action((flags: Flags) => run(flags))
await runCli(cli)

function run(flags: Flags): void {
  const programs = findServerPrograms()
  const password = process.env[PASSWORD] ?? ''
  const folder = resolve(flags.folder)
  const amqp = readPort('--amqp-port', flags.amqpPort)
  const postgres = readPort('--postgres-port', flags.postgresPort)
  const ports = { amqp, dist: readPort('--dist-port', flags.distPort), epmd: readPort('--epmd-port', flags.epmdPort) }
  // Users of two servers go through it, and see nothing.
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  const all = [
    postgresProgram(programs, resolve(folder, 'postgres'), postgres, password),
    ...rabbitmqPrograms(programs, resolve(folder, 'rabbitmq'), ports, password),
  ].map(startNative)
  const server = createServer((_request, response) => {
    void Promise.all([answers(amqp), answers(postgres)]).then((ready) => {
      response.writeHead(ready.every(Boolean) ? 200 : 503).end()
    })
  }).listen(readPort('--health-port', flags.healthPort), '127.0.0.1')

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
