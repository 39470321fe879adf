/** What stands in for images of others: ClickHouse's engine as a library, and a broker of Kafka from its jars. Both run on the machine, and are reached at its address. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { run } from './commands.ts'
import { relay } from './engine.ts'

/** The tool `kafka-topics.sh` is in a package of its own, which nobody has fetched here. */
const CREATE_TOPIC = `import java.util.*;
import org.apache.kafka.clients.admin.*;

public class CreateTopic {
  public static void main(String[] args) throws Exception {
    Map<String, Object> settings = Map.of("bootstrap.servers", args[0], "default.api.timeout.ms", 15000, "request.timeout.ms", 10000);
    try (Admin admin = Admin.create(settings)) {
      admin.createTopics(List.of(new NewTopic("otlp_spans", 12, (short) 1))).all().get();
    }
  }
}
`

/** Starts it, so that it is reached at `address` by containers; it ends with this process's namespace. */
export interface StandIn {
  (folder: string, address: string): Promise<void>
  readonly what: string
}

const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'spoor')
const front = resolve(import.meta.dirname, '../../../packages/storage/src/clickhouse/testkit/front.py')

const chdb = join(cache, 'chdb-4.4.0/bin/python')
const kafkaJars = process.env['SPOOR_KAFKA_JARS'] ?? join(cache, 'kafka-4.1.0/lib')

/** What is missing for it and how to have it; undefined where it is there. */
export function whyNoClickHouse(): string | undefined {
  return existsSync(chdb) ? undefined : 'the engine of ClickHouse is not there: run npm run clickhouse once'
}

/** The same of Kafka. */
export function whyNoKafka(): string | undefined {
  if (existsSync(kafkaJars)) return undefined
  return 'Kafka is not there: run npm run kafka once, or name its jars in SPOOR_KAFKA_JARS'
}

export const startClickHouse: StandIn = Object.assign(
  async (folder: string, address: string) => {
    const data = join(folder, 'clickhouse')
    mkdirSync(data, { recursive: true })
    const child = spawn(chdb, [front, data], { stdio: ['pipe', 'pipe', 'ignore'] })
    const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    await relay({ address, host: 8123, container: Number(port) }, () => '127.0.0.1')
  },
  { what: 'its engine as a library (chdb), behind a front that speaks HTTP' },
)

export const startKafka: StandIn = Object.assign(
  async (folder: string, address: string) => {
    const settings = join(folder, 'kafka.properties')
    const lines = {
      'node.id': 1,
      'process.roles': 'broker,controller',
      listeners: `PLAINTEXT://${address}:9092,CONTROLLER://127.0.0.1:9093`,
      'advertised.listeners': 'PLAINTEXT://kafka:9092',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      'controller.listener.names': 'CONTROLLER',
      'controller.quorum.voters': '1@127.0.0.1:9093',
      'offsets.topic.replication.factor': 1,
      'auto.create.topics.enable': false,
      'log.dirs': join(folder, 'kafka'),
    }
    writeFileSync(
      settings,
      Object.entries(lines)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    )
    // Its tools call it by the name that it advertises; this process's mounts are its own.
    writeFileSync(join(folder, 'hosts'), `127.0.0.1 localhost\n${address} kafka\n`)
    run('mount', '--bind', join(folder, 'hosts'), '/etc/hosts')
    const java = ['-Xmx512m', '-cp', join(kafkaJars, '*')]
    run('java', ...java, 'kafka.tools.StorageTool', 'format', '-t', 'MkU3OEVBNTcwNTJENDM2Qg', '-c', settings)
    spawn('java', [...java, 'kafka.Kafka', settings], { stdio: 'ignore' })
    writeFileSync(join(folder, 'CreateTopic.java'), CREATE_TOPIC)
    for (let attempt = 0; ; attempt++) {
      const tool = [...java, join(folder, 'CreateTopic.java'), `${address}:9092`]
      const { status, stderr } = spawnSync('java', tool, { encoding: 'utf8', timeout: 60_000 })
      if (status === 0) return
      if (attempt === 20) throw new Error(`no topic was made: ${stderr}`)
      await delay(1000)
    }
  },
  { what: 'a broker of its own jars' },
)
