/** The servers that a world with a queue uses: its own, on free ports, or those that it is told of. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Program } from '../child.ts'
import type { Member } from '../netns/namespaces.ts'
import type { Places } from '../netns/places.ts'
import { findServerPrograms } from './programs.ts'

/** Where queue and database are. */
export interface Servers {
  /** `amqp://…` */
  readonly queue: string
  /** `postgres://…` */
  readonly database: string
}

/** One of a world's own: not started yet. */
export interface OwnServer extends Member {
  readonly name: 'rabbitmq' | 'postgresql'
  readonly flags: readonly string[]
  readonly env: NonNullable<Program['env']>
  /** Where it says on 127.0.0.1 that it takes connections. */
  readonly healthPort: number
}

/** A world's own. */
export interface OwnServers {
  readonly servers: readonly OwnServer[]
  /** Where they are found in the world. */
  urls(places: Places): Servers
  /** What people are told. */
  readonly text: string
}

/** Chooses ports, and the password of before. @throws Where the programs are missing. */
export async function chooseServers(folder: string): Promise<OwnServers> {
  findServerPrograms()
  const [amqp = 0, dist = 0, epmd = 0, rabbitmqHealth = 0, postgres = 0, postgresHealth = 0] = await freePorts(6)
  const password = passwordOf(folder)
  const own = (name: OwnServer['name'], port: number, health: number, more: readonly string[] = []): OwnServer => ({
    name,
    flags: [name, '--folder', folder, '--port', String(port), '--health-port', String(health), ...more],
    env: { SERVERS_PASSWORD: password },
    healthPort: health,
    ports: [port, health],
  })
  return {
    servers: [
      own('postgresql', postgres, postgresHealth),
      own('rabbitmq', amqp, rabbitmqHealth, ['--dist-port', String(dist), '--epmd-port', String(epmd)]),
    ],
    urls: ({ nameOf }) => ({
      queue: `amqp://spoor:${password}@${nameOf(amqp)}:${amqp}`,
      database: `postgres://spoor:${password}@${nameOf(postgres)}:${postgres}/postgres`,
    }),
    text: `RabbitMQ ${amqp}   PostgreSQL ${postgres}`,
  }
}

/** Both servers take nobody without it: others on this machine are not to run what they like as their users. */
function passwordOf(folder: string): string {
  const file = join(folder, 'password')
  try {
    return readFileSync(file, 'utf8')
  } catch {
    const password = randomBytes(16).toString('hex')
    mkdirSync(folder, { recursive: true, mode: 0o711 })
    writeFileSync(file, password, { mode: 0o600 })
    return password
  }
}

/** All are open at once, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  return Promise.all(
    servers.map(async (server) => {
      const address = server.address()
      const closed = once(server, 'close')
      server.close()
      await closed
      return typeof address === 'object' && address ? address.port : 0
    }),
  )
}
