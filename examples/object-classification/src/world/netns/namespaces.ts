/**
 * The containers' network without an engine: each program of the world has a network namespace, an address and a name,
 * on one bridge. Its ports are published on 127.0.0.1 by relays of this process, as `docker run -p` does, so that page,
 * labs and health checks find them where they always are.
 */
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { ip } from './ip.ts'
import { bridgeName, clearLeftovers, ETC, namespaceName, removeNamespaces } from './leftovers.ts'
import type { Places } from './places.ts'

/** A program, with the ports that it listens on. */
export interface Member {
  readonly name: string
  readonly ports: readonly number[]
}

/** How this process itself is called in the namespaces: relays on links are here. */
const GATEWAY = 'world'
const LOOPBACK_ADDRESS = '127.0.0.1'

/** The namespaces of one world. */
export interface Namespaces extends Places {
  /** Of each program, for people. */
  readonly addresses: ReadonlyMap<string, string>
  /** What was cleared before, in words. */
  readonly cleared: readonly string[]
  /** Takes all of it away again. The programs have ended before. */
  close(): Promise<void>
}

/**
 * Makes a namespace for each member, after what killed worlds have left is cleared away.
 *
 * @throws Where there can be none: see `whyNoNamespaces`.
 */
export async function openNamespaces(members: readonly Member[]): Promise<Namespaces> {
  const cleared = await clearLeftovers()
  const owner = process.pid
  const network = freeNetwork()
  const gateway = `${network}.1`
  const bridge = bridgeName(owner)
  const addresses = new Map(members.map(({ name }, index) => [name, `${network}.${index + 2}`]))
  const byPort = new Map(members.flatMap(({ name, ports }) => ports.map((port) => [port, name] as const)))
  const names = members.map(({ name }) => namespaceName(owner, name))
  const servers: Server[] = []
  const close = async (): Promise<void> => {
    for (const server of servers) server.close()
    await removeNamespaces(names)
    if (bridge in networkInterfaces()) ip('link', 'delete', bridge)
  }
  try {
    ip('link', 'add', bridge, 'type', 'bridge')
    ip('address', 'add', `${gateway}/24`, 'dev', bridge)
    ip('link', 'set', bridge, 'up')
    const hosts = ['127.0.0.1 localhost', `${gateway} ${GATEWAY}`]
    for (const [name, address] of addresses) hosts.push(`${address} ${name}`)
    for (const [index, { name }] of members.entries())
      plug(namespaceName(owner, name), addresses.get(name)!, bridge, `sp${owner}.${index}`, hosts)
    for (const [port, name] of byPort) servers.push(await publish(port, addresses.get(name)!))
  } catch (error) {
    await close()
    throw error
  }
  return {
    nameOf: (port) => byPort.get(port) ?? GATEWAY,
    addressOf: (port) => addresses.get(byPort.get(port) ?? '') ?? gateway,
    listen: gateway,
    inside: '0.0.0.0',
    namespaceOf: (program) => (addresses.has(program) ? namespaceName(owner, program) : undefined),
    addresses,
    cleared,
    close,
  }
}

/** Makes a namespace that is plugged into the bridge, and knows the names. */
function plug(namespace: string, address: string, bridge: string, link: string, hosts: readonly string[]): void {
  mkdirSync(join(ETC, namespace), { recursive: true })
  writeFileSync(join(ETC, namespace, 'hosts'), `${hosts.join('\n')}\n`)
  ip('netns', 'add', namespace)
  ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
  ip('link', 'set', link, 'master', bridge, 'up')
  ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0')
  ip('-n', namespace, 'link', 'set', 'lo', 'up')
  ip('-n', namespace, 'link', 'set', 'eth0', 'up')
}

/** `10.83.N`, which no interface of this machine has and no route leads to. */
function freeNetwork(): string {
  const taken = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
  const routes = readFileSync('/proc/net/route', 'utf8')
  for (let index = 0; index < 256; index++) {
    const network = `10.83.${index}`
    const asRoute = `00${index.toString(16).padStart(2, '0')}530A`.toUpperCase()
    if (!taken.some((address) => address.startsWith(`${network}.`)) && !routes.includes(asRoute)) return network
  }
  throw new Error('--netns: all networks of 10.83.0.0/16 are taken on this machine')
}

/** Listens on the port of 127.0.0.1 and hands on to the address. */
async function publish(port: number, address: string): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (near: Socket) => {
    const far = connect({ port, host: address, allowHalfOpen: true })
    near.pipe(far).pipe(near)
    near.on('error', () => far.destroy()).on('close', () => far.destroy())
    far.on('error', () => near.destroy()).on('close', () => near.destroy())
  })
  server.listen(port, LOOPBACK_ADDRESS)
  await once(server, 'listening')
  return server
}
