/** The servers that a world with a queue uses: its own, on free ports, or those that it is told of. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Program } from '../child.ts'
import { findServerPrograms } from './programs.ts'

/** Where queue and database are. */
export interface Servers {
  /** `amqp://…` */
  readonly queue: string
  /** `postgres://…` */
  readonly database: string
}

/** A world's own: not started yet. */
export interface OwnServers extends Servers {
  readonly flags: readonly string[]
  readonly env: NonNullable<Program['env']>
  readonly health: string
  /** What people are told. */
  readonly text: string
}

/** Chooses ports, and the password of before. @throws Where the programs are missing. */
export async function chooseServers(folder: string): Promise<OwnServers> {
  findServerPrograms()
  const [amqp = 0, dist = 0, epmd = 0, postgres = 0, health = 0] = await freePorts(5)
  const password = passwordOf(folder)
  const ports = { amqp, dist, epmd, postgres, health }
  return {
    queue: `amqp://spoor:${password}@127.0.0.1:${amqp}`,
    database: `postgres://spoor:${password}@127.0.0.1:${postgres}/postgres`,
    flags: ['--folder', folder, ...Object.entries(ports).flatMap(([name, port]) => [`--${name}-port`, String(port)])],
    env: { SERVERS_PASSWORD: password },
    health: `http://127.0.0.1:${health}/`,
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
