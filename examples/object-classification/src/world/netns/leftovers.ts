/** Namespaces are found again by their names, which have the process that made them: what a killed one has left is removed by the next. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ip } from './ip.ts'

/** Where `ip netns exec` looks for what a namespace has of `/etc`. */
export const ETC = '/etc/netns'
/** How long programs of a world that is gone may take to end, ms. */
const PATIENCE_MS = 10_000
/** Of the two clocks that are compared: the time of the boot is told in whole seconds. */
const CLOCK_SLACK_MS = 2000
const MS_A_TICK = 10
const NAME = /^spoor-(\d+)-(.+)$/
const BRIDGE = /^spoor(\d+)$/

/** The name of a program's namespace. */
export function namespaceName(owner: number, program: string): string {
  return `spoor-${owner}-${program}`
}

/** The name of a world's bridge; at most 15 characters, as the kernel has it. */
export function bridgeName(owner: number): string {
  return `spoor${owner}`
}

/** Namespaces and bridges of worlds, by the process that made them. */
function made(): Map<number, { namespaces: string[]; bridge: boolean }> {
  const found = new Map<number, { namespaces: string[]; bridge: boolean }>()
  const of = (owner: string): { namespaces: string[]; bridge: boolean } => {
    const one = found.get(Number(owner)) ?? { namespaces: [], bridge: false }
    found.set(Number(owner), one)
    return one
  }
  const folders = existsSync(ETC) ? readdirSync(ETC) : []
  const names = new Set([...list('/run/netns'), ...folders])
  for (const name of names) {
    const [, owner] = NAME.exec(name) ?? []
    if (owner !== undefined) of(owner).namespaces.push(name)
  }
  for (const name of list('/sys/class/net')) {
    const [, owner] = BRIDGE.exec(name) ?? []
    if (owner !== undefined) of(owner).bridge = true
  }
  return found
}

function list(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : []
}

/** Whether the process that made this namespace still is there, and not a later one that has its number. */
function isAlive(owner: number, namespace: string | undefined): boolean {
  const started = startOf(owner)
  if (started === undefined) return false
  const folder = namespace === undefined ? undefined : statSync(join(ETC, namespace), { throwIfNoEntry: false })
  return folder === undefined || started < folder.ctimeMs + CLOCK_SLACK_MS
}

/** When the process was started, ms since 1970, by proc(5); undefined when there is none. */
function startOf(pid: number): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    const [, boot = ''] = /^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8')) ?? []
    return Number(boot) * 1000 + Number(fields[19]) * MS_A_TICK
  } catch {
    return undefined
  }
}

/** Removes what worlds have left that were killed. @returns A line for each of them. */
export async function clearLeftovers(): Promise<string[]> {
  const lines: string[] = []
  for (const [owner, { namespaces, bridge }] of made()) {
    if (isAlive(owner, namespaces[0])) continue
    const ended = await removeNamespaces(namespaces)
    if (bridge) ip('link', 'delete', bridgeName(owner))
    const what = `${namespaces.length} network ${namespaces.length === 1 ? 'namespace' : 'namespaces'}`
    lines.push(
      `process ${owner} was killed and has left ${what}: removed${ended > 0 ? `, with ${ended} programs in them` : ''}`,
    )
  }
  return lines
}

/** Ends what runs in them first. @returns How many programs that were. */
export async function removeNamespaces(names: readonly string[]): Promise<number> {
  const inside = (): number[] =>
    names
      .filter((name) => existsSync(join('/run/netns', name)))
      .flatMap((name) => ip('netns', 'pids', name).split('\n').filter(Boolean).map(Number))
  const programs = inside()
  for (const pid of programs) end(pid, 'SIGTERM')
  const deadline = Date.now() + PATIENCE_MS
  while (inside().length > 0 && Date.now() < deadline) await sleep(50)
  for (const pid of inside()) end(pid, 'SIGKILL')
  for (const name of names) {
    if (existsSync(join('/run/netns', name))) {
      // With the namespace the kernel removes it, too, but later: its name would still be taken.
      if (ip('-n', name, '-o', 'link').includes(' eth0@')) ip('-n', name, 'link', 'delete', 'eth0')
      ip('netns', 'delete', name)
    }
    rmSync(join(ETC, name), { recursive: true, force: true })
  }
  return programs.length
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended meanwhile.
  }
}
