/** The commands of `docker` that tutorials use, for {@link Engine}. What is not known is refused, and not passed over. */
import { resolve } from 'node:path'
import { words } from './dockerfile.ts'
import type { Engine, Mount, PublishedPort } from './engine.ts'
import type { Image } from './images.ts'

export type Images = (name: string) => Image

/** Flags of `docker run` that take a value. */
const VALUED: Readonly<Record<string, string>> = {
  '-p': 'publish',
  '--publish': 'publish',
  '-e': 'env',
  '--env': 'env',
  '-v': 'volume',
  '--volume': 'volume',
  '--name': 'name',
  '--network': 'network',
  '--net': 'network',
}
const PLAIN = ['-d', '--detach', '--rm', '-it']

export class Docker {
  readonly #engine: Engine
  readonly #images: Images
  readonly #folder: string

  /** `folder`: where the commands are typed. */
  constructor(engine: Engine, images: Images, folder: string) {
    this.#engine = engine
    this.#images = images
    this.#folder = folder
  }

  /** Each line that begins with `docker`, one after the other; `\` at a line's end goes on. */
  async script(text: string): Promise<void> {
    for (const line of text.replaceAll(/\\\n\s*/g, '').split('\n')) {
      const [program, ...args] = words(line.trim().replaceAll('$PWD', this.#folder).replaceAll('$(pwd)', this.#folder))
      if (program === 'docker') await this.command(args)
      else if (program !== undefined && !program.startsWith('#')) throw new Error(`not a command of docker: ${line}`)
    }
  }

  /** Answers with what the command prints. */
  async command(args: readonly string[]): Promise<string> {
    const [what, ...rest] = args
    const [sub, ...names] = rest
    switch (`${what} ${what === 'network' ? sub : ''}`.trim()) {
      case 'network create':
        this.#engine.createNetwork(one(names, 'network create'))
        return ''
      case 'network connect': {
        const [network, container] = names
        this.#engine.connect(network ?? '', container ?? '')
        return ''
      }
      case 'run':
        await this.#run(rest)
        return ''
      case 'logs':
        return this.#engine.containers.get(one(rest, 'logs'))?.output ?? ''
      case 'stop':
        for (const name of rest) await this.#engine.stop(name)
        return ''
      case 'rm':
        for (const name of rest.filter((word) => word !== '-f')) await this.#engine.remove(name)
        return ''
      default:
        throw new Error(`docker ${args.join(' ')}: not known here`)
    }
  }

  async #run(args: readonly string[]): Promise<void> {
    const flags: Record<string, string[]> = {}
    let at = 0
    for (; args[at]?.startsWith('-'); at++) {
      const [flag = '', inline] = args[at]!.split(/=(.*)/s)
      const name = VALUED[flag]
      if (name !== undefined) (flags[name] ??= []).push(inline ?? args[++at] ?? '')
      else if (!PLAIN.includes(flag)) throw new Error(`docker run ${flag}: not known here`)
    }
    const image = args[at]
    if (image === undefined) throw new Error('docker run: name an image')
    const command = args.slice(at + 1)
    await this.#engine.run({
      name: flags['name']?.[0] ?? `container-${this.#engine.containers.size + 1}`,
      image: this.#images(image),
      env: Object.fromEntries((flags['env'] ?? []).map((pair) => pair.split(/=(.*)/s).slice(0, 2) as [string, string])),
      ...(command.length > 0 && { command }),
      ports: (flags['publish'] ?? []).map(portOf),
      mounts: (flags['volume'] ?? []).map((volume) => mountOf(volume, this.#folder)),
      ...(flags['network'] && { networks: Object.fromEntries(flags['network'].map((network) => [network, []])) }),
    })
  }
}

/** `[address:]host:container`. */
export function portOf(text: string): PublishedPort {
  const [, address = '127.0.0.1', host, container] = /^(?:([\d.]+):)?(\d+):(\d+)(?:\/tcp)?$/.exec(text) ?? []
  if (host === undefined) throw new Error(`port ${text}: write host:container`)
  return { address, host: Number(host), container: Number(container) }
}

/** `source:target[:ro]`; a source with a slash or dot is a path. */
export function mountOf(text: string, folder: string): Mount {
  const [source = '', target = '', mode] = text.split(':')
  if (!target.startsWith('/')) throw new Error(`volume ${text}: write source:target`)
  return { source: /^[./]/.test(source) ? resolve(folder, source) : source, target, readOnly: mode === 'ro' }
}

function one(names: readonly string[], command: string): string {
  const [name] = names
  if (name === undefined || names.length > 1) throw new Error(`docker ${command}: takes one name`)
  return name
}
