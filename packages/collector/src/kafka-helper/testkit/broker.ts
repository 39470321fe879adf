/** A real broker of Kafka for tests, in KRaft mode: one process that can be killed and started again on the same ports and files. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../../testkit/otlp-http.ts'

/** Who may use the port with passwords: PLAIN for the one, SCRAM for the other. */
export const PLAIN_USER = { username: 'plain-user', password: 'plain-secret' }
export const SCRAM_USER = { username: 'scram-user', password: 'scram-secret' }

export interface Broker {
  /** `host:port` without passwords. */
  readonly address: string
  /** The same with them. */
  readonly saslAddress: string
  /** Kills it as a crash would. */
  kill(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

const START_MS = 120_000

/** `jars`: the folder with Kafka and what it needs. */
export async function startBroker(jars: string, settings: Readonly<Record<string, string>> = {}): Promise<Broker> {
  const folder = mkdtempSync(join(tmpdir(), 'spoor-kafka-'))
  const [port, saslPort, controllerPort] = [await freePort(), await freePort(), await freePort()]
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},SASL://127.0.0.1:${saslPort},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},SASL://127.0.0.1:${saslPort}`,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.sasl.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${PLAIN_USER.username}="${PLAIN_USER.password}";`,
    'listener.name.sasl.scram-sha-256.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'listener.name.sasl.scram-sha-512.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'log.dirs': join(folder, 'logs'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'num.partitions': '4',
    ...settings,
  }
  const file = join(folder, 'server.properties')
  mkdirSync(join(folder, 'logs'))
  writeFileSync(
    file,
    Object.entries(properties)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  )
  const java = (heap: string, main: string): string[] => [
    `-Xmx${heap}`,
    '-XX:+UseSerialGC',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-cp',
    [folder, join(jars, '*')].join(delimiter),
    main,
  ]
  const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${SCRAM_USER.username},password=${SCRAM_USER.password}]`,
  ])
  const format = [
    ...java('256m', 'kafka.tools.StorageTool'),
    'format',
    '-t',
    'c3Bvb3Ita2Fma2EtdGVzdA',
    '-c',
    file,
    ...scram,
  ]
  const { status, stderr } = spawnSync('java', format, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the folder of the broker could not be made: ${stderr}`)
  let child: ChildProcess | undefined
  let output = ''

  const broker: Broker = {
    address: `127.0.0.1:${port}`,
    saslAddress: `127.0.0.1:${saslPort}`,
    async start() {
      const started = spawn('java', [...java('512m', 'kafka.Kafka'), file], { stdio: ['ignore', 'pipe', 'pipe'] })
      child = started
      for (const stream of [started.stdout, started.stderr])
        stream.on('data', (text: Buffer) => (output = (output + text.toString()).slice(-4000)))
      const until = performance.now() + START_MS
      while (!(await isOpen(port))) {
        if (started.exitCode !== null || performance.now() > until)
          throw new Error(`the broker did not start:\n${output}`)
        await delay(100)
      }
    },
    async kill() {
      const ended = child
      if (!ended || ended.exitCode !== null || ended.signalCode !== null) return
      const exit = new Promise((resolve) => ended.once('exit', resolve))
      ended.kill('SIGKILL')
      await exit
    },
    async close() {
      await broker.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  await broker.start()
  return broker
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}
