/** The programs of RabbitMQ and PostgreSQL on this machine, from Debian's packages or on the PATH, and whose they are run as. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where the programs are. */
export interface ServerPrograms {
  /** RabbitMQ's own script. Debian's in /usr/sbin takes no folders of ours. */
  readonly rabbitmq: string
  /** Erlang's register of nodes. */
  readonly epmd: string
  readonly postgres: string
  readonly initdb: string
}

/** A user of this machine. */
export interface User {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

const DEBIAN_POSTGRES = '/usr/lib/postgresql'
const DEBIAN_RABBITMQ = '/usr/lib/rabbitmq/bin'

/** @param roots Other folders than Debian's, for tests. @throws Where one is missing, with what installs it. */
export function findServerPrograms(
  roots = { postgres: DEBIAN_POSTGRES, rabbitmq: DEBIAN_RABBITMQ, path: process.env['PATH'] ?? '' },
): ServerPrograms {
  const onPath = roots.path.split(delimiter).filter((folder) => folder !== '')
  const postgres = [...versions(roots.postgres), ...onPath]
  const found = {
    rabbitmq: find('rabbitmq-server', [roots.rabbitmq, ...onPath.filter((folder) => folder !== '/usr/sbin')]),
    epmd: find('epmd', onPath),
    postgres: find('postgres', postgres),
    initdb: find('initdb', postgres),
  }
  const { rabbitmq, epmd, postgres: server, initdb } = found
  if (rabbitmq !== undefined && epmd !== undefined && server !== undefined && initdb !== undefined)
    return { rabbitmq, epmd, postgres: server, initdb }
  const missing = [
    ...(rabbitmq === undefined || epmd === undefined ? ['RabbitMQ'] : []),
    ...(server === undefined || initdb === undefined ? ['PostgreSQL'] : []),
  ]
  throw new Error(
    `--with-queue: there is no ${missing.join(' and no ')} on this machine. On Debian and Ubuntu:\n` +
      '    apt-get install --no-install-recommends rabbitmq-server postgresql\n' +
      '    Its services are not used and may be off: systemctl disable --now rabbitmq-server postgresql.\n' +
      '    Or name servers that run: npm start -- --queue-url amqp://… --database-url postgres://…',
  )
}

/** The folders of programs of each version, the newest first. */
function versions(root: string): string[] {
  if (!existsSync(root)) return []
  const names = readdirSync(root).filter((name) => /^\d+$/.test(name))
  return names.sort((a, b) => Number(b) - Number(a)).map((name) => join(root, name, 'bin'))
}

function find(program: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path))
}

/**
 * Who runs a server: PostgreSQL refuses to be root, so that root takes the user that its package has made, or nobody.
 *
 * @returns Undefined where it is whoever has started the world.
 * @throws Where root finds none of them.
 */
export function serverUser(names: readonly string[]): User | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of names) {
    const ids = ['-u', '-g'].map((flag) => {
      try {
        return Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' }))
      } catch {
        return Number.NaN
      }
    })
    const [uid = Number.NaN, gid = Number.NaN] = ids
    if (uid > 0 && gid > 0) return { name, uid, gid }
  }
  throw new Error(`--with-queue: root does not run these servers, and there is no user ${names.join(' or ')}`)
}
