/**
 * Follows a Dockerfile's stages without a container engine: each is an overlay over the one it is made from, in which
 * its steps are executed under chroot. The base image is not to be had here: a folder with the project's Node, npm and
 * what this system has of libraries (and, while it is built, of programs) stands in for `node:24-slim`.
 */
import { createHash } from 'node:crypto'
import {
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { spawnSync } from 'node:child_process'
import { basename, dirname, join, posix, relative } from 'node:path'
import { run } from './commands.ts'
import { argOf, execForm, pairsOf, parseDockerfile, substitute, words } from './dockerfile.ts'
import type { Dockerfile, Stage, Step } from './dockerfile.ts'
import { ignoring } from './ignored.ts'

/** What an image is, beside its files. */
export interface Image {
  /** The folders that lie over each other, the lowest first. */
  readonly layers: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly workdir: string
  readonly user: string
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
  readonly health: readonly string[] | undefined
  readonly exposed: readonly number[]
  readonly volumes: readonly string[]
}

export interface BuildOptions {
  readonly context: string
  readonly dockerfile: string
  /** Default: the last. */
  readonly target?: string | undefined
  readonly args?: Readonly<Record<string, string>>
}

const PATH = '/usr/local/bin:/usr/bin:/bin'
/** What npm is set up with on this machine is needed to reach its registry, and is in no image. */
const REGISTRY = /^(?:npm_config_\w+|https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_(?:FILE|DIR))$/i

/** Builds into folders below `work`. What was built from the same is taken as it is. */
export class Builder {
  readonly #work: string
  readonly #base: string
  readonly #say: (line: string) => void
  #mounted = 0

  constructor(work: string, say: (line: string) => void) {
    this.#work = work
    this.#base = join(work, 'base')
    this.#say = say
    makeBase(this.#base)
  }

  build({ context, dockerfile, target, args = {} }: BuildOptions): Image {
    const file = parseDockerfile(readFileSync(dockerfile, 'utf8'))
    const last = target ?? file.stages.at(-1)?.name
    const ignore = join(context, '.dockerignore')
    const build = new Build(
      file,
      context,
      existsSync(ignore) ? ignoring(readFileSync(ignore, 'utf8')) : () => false,
      args,
    )
    return this.#stage(build, last ?? '').image
  }

  #stage(build: Build, name: string): Built {
    const known = build.built.get(name)
    if (known) return known
    const stage = build.file.stages.find((one) => one.name === name)
    if (!stage)
      throw new Error(`the Dockerfile has no stage ${name}: ${build.file.stages.map((one) => one.name).join(', ')}`)
    const before = this.#baseOf(build, stage.base)
    // Stages that a step copies from are built first, as it is part of what this one is made of.
    const sources = stage.steps.flatMap(({ flags }) => (flags['from'] ? [this.#stage(build, flags['from'])] : []))
    const args = Object.fromEntries(
      stage.steps
        .filter(({ instruction }) => instruction === 'ARG')
        .map(({ text }) => [text, build.args[text.split('=')[0]!]]),
    )
    const key = digest([before.key, stage.steps, sources.map((one) => one.key), args, build.contextDigest(stage)])
    const layer = join(this.#work, 'layers', `${stage.name}-${key}`)
    const isThere = existsSync(`${layer}.done`)
    if (!isThere) rmSync(layer, { recursive: true, force: true })
    mkdirSync(layer, { recursive: true })
    const root = this.#mount(before.image.layers, layer)
    let image: Image = { ...before.image, layers: [...before.image.layers, layer] }
    const values: Record<string, string> = { ...image.env }
    for (const step of stage.steps) image = this.#step(build, step, image, root, values, isThere)
    run('umount', '--lazy', root)
    writeFileSync(`${layer}.done`, '')
    const built = { key, image }
    build.built.set(name, built)
    return built
  }

  #baseOf(build: Build, base: string): Built {
    if (build.file.stages.some(({ name }) => name === base)) return this.#stage(build, base)
    if (!/^node:24(?:-slim)?$/.test(base)) throw new Error(`${base}: there is nothing that stands in for this image`)
    return {
      key: 'base',
      image: {
        layers: [this.#base],
        env: { PATH },
        workdir: '/',
        user: '0:0',
        entrypoint: [],
        cmd: ['node'],
        health: undefined,
        exposed: [],
        volumes: [],
      },
    }
  }

  #mount(layers: readonly string[], upper: string): string {
    const at = join(this.#work, 'mounts', String(this.#mounted++))
    mkdirSync(join(at, 'root'), { recursive: true })
    mkdirSync(`${upper}.work`, { recursive: true })
    overlay(layers, upper, `${upper}.work`, join(at, 'root'))
    return join(at, 'root')
  }

  #step(build: Build, step: Step, image: Image, root: string, values: Record<string, string>, isThere: boolean): Image {
    const text = step.instruction === 'RUN' ? step.text : substitute(step.text, values)
    switch (step.instruction) {
      case 'ARG': {
        for (const [name, value] of Object.entries(argOf(text))) values[name] = build.args[name] ?? value
        return image
      }
      case 'ENV': {
        Object.assign(values, pairsOf(text))
        return { ...image, env: { ...image.env, ...pairsOf(text) } }
      }
      case 'WORKDIR': {
        const workdir = posix.resolve(image.workdir, text)
        if (!isThere) mkdirSync(join(root, workdir), { recursive: true })
        return { ...image, workdir }
      }
      case 'COPY': {
        if (!isThere) this.#copy(build, step, text, image.workdir, root)
        return image
      }
      case 'RUN': {
        if (!isThere) this.#run(text, image, root, values)
        return image
      }
      case 'USER':
        return { ...image, user: text }
      case 'VOLUME':
        return { ...image, volumes: [...image.volumes, text] }
      case 'EXPOSE':
        return { ...image, exposed: [...image.exposed, ...words(text).map(Number)] }
      case 'HEALTHCHECK':
        return { ...image, health: listOf(step, text.replace(/^CMD\s+/, '')) }
      case 'ENTRYPOINT':
        return { ...image, entrypoint: listOf(step, text), cmd: [] }
      case 'CMD':
        return { ...image, cmd: listOf(step, text) }
      default:
        return image
    }
  }

  #copy(build: Build, step: Step, text: string, workdir: string, root: string): void {
    const paths = words(text)
    const target = paths.pop()!
    const to = posix.resolve(workdir, target)
    const from = step.flags['from'] === undefined ? undefined : build.built.get(step.flags['from'])
    const source = from
      ? this.#mount(from.image.layers, join(this.#work, 'scratch', String(this.#mounted)))
      : build.context
    for (const path of paths) {
      const found = globSync(path.replace(/^\//, ''), { cwd: source })
      if (found.length === 0) throw new Error(`line ${step.line}: COPY ${path}: there is nothing of that name`)
      for (const one of found) {
        const isFolder = lstatSync(join(source, one)).isDirectory()
        const into = isFolder
          ? to
          : target.endsWith('/') || paths.length > 1 || target === '.'
            ? posix.join(to, basename(one))
            : to
        const [uid, gid] = (step.flags['chown'] ?? '0:0').split(':').map(Number)
        copy(join(source, one), join(root, into), {
          skips: (file) => !from && build.ignored(relative(build.context, file)),
          uid: uid!,
          gid: gid!,
        })
      }
    }
    if (from) run('umount', '--lazy', source)
  }

  #run(text: string, image: Image, root: string, values: Readonly<Record<string, string>>): void {
    const [, cache] = /--mount=type=cache,target=(\S+)/.exec(text) ?? []
    const command = text.replace(/^(?:--\S+\s+)*/, '')
    this.#say(`  RUN ${command.length > 100 ? `${command.slice(0, 100)}…` : command}`)
    const mounts: string[] = []
    const bind = (from: string, to: string): void => {
      const at = join(root, to)
      if (!existsSync(at)) {
        mkdirSync(lstatSync(from).isDirectory() ? at : dirname(at), { recursive: true })
        if (!lstatSync(from).isDirectory()) writeFileSync(at, '')
      }
      run('mount', '--bind', from, at)
      mounts.push(at)
    }
    try {
      bind('/usr', 'usr')
      bind(join(this.#base, 'usr/local'), 'usr/local')
      for (const folder of ['/proc', '/dev']) bind(folder, folder.slice(1))
      for (const file of ['/etc/resolv.conf', '/etc/ssl', '/etc/hosts']) if (existsSync(file)) bind(file, file.slice(1))
      for (const file of registryFiles()) bind(file, file.slice(1))
      if (cache !== undefined) {
        const folder = join(this.#work, 'cache', cache.replaceAll('/', '_'))
        mkdirSync(folder, { recursive: true })
        bind(folder, cache.slice(1))
      }
      const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => REGISTRY.test(name)))
      const settings = {
        npm_config_userconfig: npmSetting('userconfig'),
        npm_config_globalconfig: npmSetting('globalconfig'),
      }
      const { status, stdout, stderr } = spawnSync(
        '/usr/bin/unshare',
        ['--pid', '--fork', '--kill-child', `--root=${root}`, `--wd=${image.workdir}`, '/bin/sh', '-c', command],
        { env: { HOME: '/root', ...own, ...settings, ...values }, encoding: 'utf8', maxBuffer: 1 << 28 },
      )
      if (status !== 0) throw new Error(`RUN ${command}\n${stdout}${stderr}`)
    } finally {
      for (const at of mounts.reverse()) run('umount', '--lazy', at)
    }
  }
}

interface Built {
  readonly key: string
  readonly image: Image
}

/** One build of one Dockerfile. */
class Build {
  readonly built = new Map<string, Built>()
  readonly file: Dockerfile
  readonly context: string
  readonly ignored: (path: string) => boolean
  readonly args: Readonly<Record<string, string>>

  constructor(
    file: Dockerfile,
    context: string,
    ignored: (path: string) => boolean,
    args: Readonly<Record<string, string>>,
  ) {
    this.file = file
    this.context = context
    this.ignored = ignored
    this.args = args
  }

  /** Of all that a stage copies from the context. */
  contextDigest(stage: Stage): string {
    const files: unknown[] = []
    for (const { instruction, flags, text } of stage.steps) {
      if (instruction !== 'COPY' || flags['from'] !== undefined) continue
      for (const path of words(text).slice(0, -1))
        for (const one of globSync(path, { cwd: this.context })) visit(join(this.context, one))
    }
    return digest(files)
    function visit(this: void, path: string): void {
      const { mtimeMs, size } = lstatSync(path)
      if (lstatSync(path).isDirectory()) {
        if (!/^(?:node_modules|dist|page)$/.test(basename(path)))
          for (const name of readdirSync(path).sort()) visit(join(path, name))
      } else files.push([path, mtimeMs, size])
    }
  }
}

/** Mounts layers over each other, with what is written in `upper`. */
export function overlay(layers: readonly string[], upper: string, work: string, at: string): void {
  for (const folder of [upper, work, at]) mkdirSync(folder, { recursive: true })
  const lower = [...layers].reverse().join(':')
  run('mount', '-t', 'overlay', 'overlay', '-o', `lowerdir=${lower},upperdir=${upper},workdir=${work}`, at)
}

function listOf({ line, instruction }: Step, text: string): readonly string[] {
  const list = execForm(text)
  if (!list) throw new Error(`line ${line}: ${instruction} ${text}: this needs a shell, which a small image has not`)
  return list
}

interface CopyOptions {
  readonly skips: (path: string) => boolean
  readonly uid: number
  readonly gid: number
}

function copy(from: string, to: string, options: CopyOptions): void {
  const { skips, uid, gid } = options
  const found = lstatSync(from)
  if (found.isDirectory()) {
    if (!existsSync(to)) {
      mkdirSync(to, { recursive: true })
      chownSync(to, uid, gid)
    }
    for (const name of readdirSync(from)) copy(join(from, name), join(to, name), options)
  } else if (!skips(from)) {
    mkdirSync(dirname(to), { recursive: true })
    if (found.isSymbolicLink()) symlinkSync(readlinkSync(from), to)
    else {
      copyFileSync(from, to)
      chownSync(to, uid, gid)
    }
  }
}

/** `node:24-slim`, as far as it is to be had: Node, npm, and a place for each folder of the system. */
function makeBase(base: string): void {
  if (existsSync(join(base, 'etc/group'))) return
  for (const folder of [
    'usr/local/bin',
    'usr/local/lib/node_modules',
    'etc',
    'proc',
    'dev',
    'sys',
    'root',
    'var/tmp',
    'home/node',
  ])
    mkdirSync(join(base, folder), { recursive: true })
  mkdirSync(join(base, 'tmp'), { mode: 0o1777 })
  run('chmod', '1777', join(base, 'tmp'))
  chownSync(join(base, 'home/node'), 1000, 1000)
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(base, name))
  copyFileSync(process.execPath, join(base, 'usr/local/bin/node'))
  const npm = dirname(dirname(realpathSync(run('sh', '-c', 'command -v npm'))))
  cpSync(npm, join(base, 'usr/local/lib/node_modules/npm'), { recursive: true })
  for (const name of ['npm', 'npx'])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(base, 'usr/local/bin', name))
  writeFileSync(join(base, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n')
  writeFileSync(join(base, 'etc/nsswitch.conf'), 'hosts: files dns\n')
  for (const name of ['hosts', 'resolv.conf']) writeFileSync(join(base, 'etc', name), '')
  writeFileSync(join(base, 'etc/group'), 'root:x:0:\nnode:x:1000:\n')
}

function npmSetting(name: string): string {
  return run('npm', 'config', 'get', name)
}

/** The files that npm and Node read to get to the registry. */
function registryFiles(): string[] {
  const named = [
    npmSetting('userconfig'),
    npmSetting('globalconfig'),
    process.env['NODE_EXTRA_CA_CERTS'],
    process.env['SSL_CERT_FILE'],
  ]
  return [...new Set(named)].filter(
    (file): file is string => file !== undefined && !file.startsWith('/usr/') && existsSync(file),
  )
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 12)
}
