/**
 * Containers without an engine: each has network, process and mount namespaces of its own, a root of its image's layers,
 * and the image's user. Networks are bridges; names are lines of each container's `/etc/hosts`, and not there on the
 * network `bridge`, as Docker has it; ports are published by a relay. In a root are Node, the system's libraries and
 * what the image has, and no shell.
 *
 * It has to run in namespaces of its own (`unshare --net --mount --pid --fork --kill-child`): what it makes ends with it.
 */
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { run } from './commands.ts'
import { overlay } from './images.ts'
import type { Image } from './images.ts'

export interface RunOptions {
  readonly name: string
  readonly image: Image
  readonly env?: Readonly<Record<string, string>>
  /** In place of the image's CMD. */
  readonly command?: readonly string[] | undefined
  readonly ports?: readonly PublishedPort[]
  readonly mounts?: readonly Mount[]
  /** Names of the container on each of its networks. Default: `bridge`. */
  readonly networks?: Readonly<Record<string, readonly string[]>>
  readonly readOnly?: boolean
  readonly tmpfs?: readonly string[]
}

export interface PublishedPort {
  readonly address: string
  readonly host: number
  readonly container: number
}

export interface Mount {
  /** A path of the machine, or a volume's name. */
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
}

export type Health = 'starting' | 'healthy' | 'unhealthy' | 'none'

export interface Container extends Required<Pick<RunOptions, 'name' | 'image'>> {
  readonly child: ChildProcess
  readonly root: string
  /** Its process, which is number 1 inside. */
  readonly pid: number
  readonly env: Readonly<Record<string, string>>
  readonly addresses: Map<string, { readonly address: string; readonly names: readonly string[] }>
  readonly relays: readonly Server[]
  readonly exited: Promise<number>
  health: Health
  output: string
}

const DEFAULT_NETWORK = 'bridge'
/** Between two checks of a container's health, ms; images ask for longer. */
const HEALTH_MS = 500
const UNHEALTHY_AFTER = 60

export class Engine {
  readonly #work: string
  readonly #networks = new Map<string, { readonly index: number; next: number; readonly hosts: string[] }>()
  readonly containers = new Map<string, Container>()
  #links = 0

  constructor(work: string) {
    this.#work = work
    mkdirSync('/run/netns', { recursive: true })
    run('mount', '-t', 'tmpfs', 'tmpfs', '/run/netns')
    run('ip', 'link', 'set', 'lo', 'up')
    this.createNetwork(DEFAULT_NETWORK)
  }

  createNetwork(name: string): void {
    if (this.#networks.has(name)) throw new Error(`network with name ${name} already exists`)
    const index = this.#networks.size
    this.#networks.set(name, { index, next: 2, hosts: [] })
    run('ip', 'link', 'add', `br${index}`, 'type', 'bridge')
    run('ip', 'address', 'add', `172.30.${index}.1/24`, 'dev', `br${index}`)
    run('ip', 'link', 'set', `br${index}`, 'up')
  }

  /** The machine's address on a network. */
  gateway(network: string): string {
    return `172.30.${this.#networks.get(network)!.index}.1`
  }

  /** A name for what is no container. */
  addHost(network: string, name: string, address: string): void {
    this.#networks.get(network)!.hosts.push(`${address} ${name}`)
    this.#writeHosts()
  }

  hasNetwork(name: string): boolean {
    return this.#networks.has(name)
  }

  async run(options: RunOptions): Promise<Container> {
    const { name, image, env: given = {}, ports = [], mounts = [], networks = { [DEFAULT_NETWORK]: [] } } = options
    if (this.containers.has(name)) throw new Error(`the container name ${name} is in use`)
    const folder = join(this.#work, 'containers', name)
    const root = join(folder, 'root')
    overlay(image.layers, join(folder, 'upper'), join(folder, 'work'), root)
    mkdirSync(join(root, 'usr/lib'), { recursive: true })
    mkdirSync(join(root, 'usr/lib64'), { recursive: true })
    for (const library of ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib/aarch64-linux-gnu'])
      if (existsSync(library)) this.#bind(library, join(root, library), true)
    writeFileSync(join(folder, 'hosts'), '')
    this.#bind(join(folder, 'hosts'), join(root, 'etc/hosts'), false)
    mkdirSync(join(root, 'dev'), { recursive: true })
    this.#bind('/dev', join(root, 'dev'), false)
    for (const volume of image.volumes)
      if (!mounts.some(({ target }) => target === volume)) this.#volume(`${name}${volume}`, root, volume, false)
    for (const { source, target, readOnly } of mounts)
      if (source.startsWith('/')) {
        if (!existsSync(source)) throw new Error(`${name}: there is no ${source} to be put at ${target}`)
        this.#bind(source, join(root, target), readOnly)
      } else this.#volume(source, root, target, readOnly)
    for (const target of options.tmpfs ?? [])
      run('mount', '-t', 'tmpfs', '-o', 'mode=1777', 'tmpfs', join(root, target))
    if (options.readOnly) run('mount', '-o', 'remount,bind,ro', root)

    run('ip', 'netns', 'add', name)
    run('ip', '-n', name, 'link', 'set', 'lo', 'up')
    const addresses: Container['addresses'] = new Map()
    for (const [network, names] of Object.entries(networks))
      addresses.set(network, { address: this.#attach(name, network), names: [name, ...names] })
    const env = { ...image.env, HOSTNAME: name, ...given }
    const command = [...image.entrypoint, ...(options.command ?? image.cmd)]
    const [uid = '0', gid = uid] = image.user.split(':')
    const child = spawn(
      '/usr/bin/setpriv',
      // `unshare` names what it starts as its child dies with it; number 1 of its own process namespace, as in a container.
      [
        '--no-new-privs',
        '/usr/sbin/ip',
        'netns',
        'exec',
        name,
        '/usr/bin/unshare',
        '--pid',
        '--fork',
        '--kill-child',
        '--mount',
        '--mount-proc',
        `--root=${root}`,
        `--wd=${image.workdir}`,
        `--setgid=${gid}`,
        `--setuid=${uid}`,
        ...command,
      ],
      { env, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    const exited = once(child, 'exit').then(([code, signal]: unknown[]) =>
      code === null ? String(signal) : Number(code),
    )
    await once(child, 'spawn')
    const container: Container = {
      name,
      image,
      child,
      root,
      pid: await firstChild(child.pid!, child),
      env,
      addresses,
      relays: [],
      exited: exited.then((code) => (typeof code === 'number' ? code : 137)),
      health: image.health ? 'starting' : 'none',
      output: '',
    }
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => (container.output += data.toString()))
    this.containers.set(name, container)
    this.#writeHosts()
    Object.assign(container, {
      relays: await Promise.all(ports.map((port) => relay(port, () => addressOf(container)))),
    })
    void this.#watchHealth(container)
    return container
  }

  /** While it runs. */
  connect(network: string, name: string, names: readonly string[] = []): void {
    const container = this.#container(name)
    container.addresses.set(network, { address: this.#attach(name, network), names: [name, ...names] })
    this.#writeHosts()
  }

  /** Runs a program inside, and answers with its exit code and output. */
  async exec(name: string, command: readonly string[]): Promise<{ code: number; output: string }> {
    const { pid, env, image } = this.#container(name)
    const [uid = '0', gid = uid] = image.user.split(':')
    const child = spawn(
      '/usr/bin/nsenter',
      [
        `--target=${pid}`,
        '--net',
        '--pid',
        '--mount',
        '--root',
        '--wd',
        `--setgid=${gid}`,
        `--setuid=${uid}`,
        ...command,
      ],
      { env, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()))
    const [code] = (await once(child, 'close')) as [number | null]
    return { code: code ?? 1, output }
  }

  /** SIGTERM, and after `seconds` SIGKILL. Answers with the exit code. */
  async stop(name: string, seconds = 30): Promise<number> {
    const { pid, exited } = this.#container(name)
    const timer = setTimeout(() => kill(pid, 'SIGKILL'), seconds * 1000)
    kill(pid, 'SIGTERM')
    const code = await exited
    clearTimeout(timer)
    return code
  }

  /** SIGKILL. */
  kill(name: string): void {
    kill(this.#container(name).pid, 'SIGKILL')
  }

  async remove(name: string): Promise<void> {
    const container = this.#container(name)
    kill(container.pid, 'SIGKILL')
    await container.exited
    for (const server of container.relays) server.close()
    this.containers.delete(name)
    run('ip', 'netns', 'delete', name)
    run('umount', '--recursive', '--lazy', container.root)
    this.#writeHosts()
  }

  /** @throws When it ends before, or is unhealthy. */
  async untilHealthy(name: string): Promise<void> {
    const container = this.#container(name)
    while (container.health === 'starting') {
      const code = await Promise.race([container.exited, delay(HEALTH_MS / 2)])
      if (code !== undefined) throw new Error(`${name} ended with ${code}:\n${container.output}`)
    }
    if (container.health === 'unhealthy') throw new Error(`${name} is unhealthy:\n${container.output}`)
  }

  #container(name: string): Container {
    const container = this.containers.get(name)
    if (!container) throw new Error(`no such container: ${name}`)
    return container
  }

  async #watchHealth(container: Container): Promise<void> {
    const { health } = container.image
    if (!health) return
    for (let failures = 0; this.containers.get(container.name) === container;) {
      const { code } = await this.exec(container.name, health).catch(() => ({ code: 1 }))
      failures = code === 0 ? 0 : failures + 1
      if (code === 0) container.health = 'healthy'
      else if (failures >= UNHEALTHY_AFTER) container.health = 'unhealthy'
      if (
        (await Promise.race([container.exited, delay(container.health === 'healthy' ? 5000 : HEALTH_MS)])) !== undefined
      )
        return
    }
  }

  /** Plugs the container into the network. */
  #attach(name: string, network: string): string {
    const found = this.#networks.get(network)
    if (!found) throw new Error(`network ${network} not found`)
    const [inside, outside] = [`eth${found.index}`, `veth${this.#links++}`]
    const address = `172.30.${found.index}.${found.next++}`
    run('ip', 'link', 'add', outside, 'type', 'veth', 'peer', 'name', inside, 'netns', name)
    run('ip', 'link', 'set', outside, 'master', `br${found.index}`, 'up')
    run('ip', '-n', name, 'address', 'add', `${address}/24`, 'dev', inside)
    run('ip', '-n', name, 'link', 'set', inside, 'up')
    return address
  }

  /** Who shares a network with a container is known to it by name. */
  #writeHosts(): void {
    for (const container of this.containers.values()) {
      const lines = ['127.0.0.1 localhost']
      for (const [network] of container.addresses) {
        if (network === DEFAULT_NETWORK) continue
        lines.push(...this.#networks.get(network)!.hosts)
        for (const other of this.containers.values()) {
          const there = other.addresses.get(network)
          if (there) lines.push(`${there.address} ${there.names.join(' ')}`)
        }
      }
      writeFileSync(join(dirname(container.root), 'hosts'), `${lines.join('\n')}\n`)
    }
  }

  #bind(from: string, to: string, readOnly: boolean): void {
    if (!existsSync(to)) {
      const isFolder = lstatSync(from).isDirectory()
      mkdirSync(isFolder ? to : dirname(to), { recursive: true })
      if (!isFolder) writeFileSync(to, '')
    }
    run('mount', '--bind', from, to)
    if (readOnly) run('mount', '-o', 'remount,bind,ro', to)
  }

  /** A volume has at first what the image has there, with its owner. */
  #volume(name: string, root: string, target: string, readOnly: boolean): void {
    const folder = join(this.#work, 'volumes', name.replaceAll('/', '_'))
    const at = join(root, target)
    if (!existsSync(folder)) {
      mkdirSync(dirname(folder), { recursive: true })
      if (existsSync(at)) run('cp', '--archive', at, folder)
      else mkdirSync(folder)
    }
    this.#bind(folder, at, readOnly)
  }
}

function addressOf({ addresses }: Container): string {
  return [...addresses.values()][0]!.address
}

/** Listens on a port of the machine, and hands on to another. */
export async function relay({ address, host, container }: PublishedPort, target: () => string): Promise<Server> {
  const server = createServer((incoming: Socket) => {
    const outgoing = connect(container, target())
    incoming.pipe(outgoing).pipe(incoming)
    incoming.on('error', () => outgoing.destroy())
    outgoing.on('error', () => incoming.destroy())
  })
  server.listen(host, address)
  await once(server, 'listening')
  return server
}

/** The process that `unshare` has started, in numbers of this namespace. */
async function firstChild(pid: number, child: ChildProcess): Promise<number> {
  while (child.exitCode === null && child.signalCode === null) {
    const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    if (list !== '') return Number(list.split(' ')[0])
    await delay(5)
  }
  return -1
}

function kill(pid: number, signal: NodeJS.Signals): void {
  if (pid > 0) spawnSync('/bin/kill', [`-${signal.slice(3)}`, String(pid)])
}
