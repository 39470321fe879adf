/** Whether the ports are free, and if not, who has them. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { promisify } from 'node:util'

/** A port that the world needs. */
export interface NeededPort {
  /** What listens on it. */
  readonly use: string
  readonly port: number
  /** The flag that chooses another. */
  readonly flag: string
}

/** A process that listens. */
export interface PortHolder {
  readonly pid: number
  /** Its command line, shortened. */
  readonly command: string
}

/** Columns of a command line that are shown. */
const COMMAND_WIDTH = 70

/** The ports of `needed` that are taken, with who has them where that can be found out. */
export async function takenPorts(
  needed: readonly NeededPort[],
): Promise<(NeededPort & { readonly holder: PortHolder | undefined })[]> {
  const taken = []
  for (const entry of needed)
    if (!(await isFree(entry.port))) taken.push({ ...entry, holder: await holderOf(entry.port) })
  return taken
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}

/** From /proc on Linux, from lsof elsewhere. Only processes of the same user can be seen. */
async function holderOf(port: number): Promise<PortHolder | undefined> {
  const found = process.platform === 'linux' ? await holderFromProc(port) : await holderFromLsof(port)
  return (
    found && {
      ...found,
      command: found.command.length > COMMAND_WIDTH ? `${found.command.slice(0, COMMAND_WIDTH - 1)}…` : found.command,
    }
  )
}

/** /proc/net/tcp: `sl local_address rem_address st ... inode`; state 0A listens. Source: proc(5). */
async function holderFromProc(port: number): Promise<PortHolder | undefined> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => '')),
  )
  const sockets = tables
    .flatMap((table) => table.split('\n'))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(`:${hexPort}`) && state === '0A')
    .map((columns) => `socket:[${columns[9]}]`)
  if (sockets.length === 0) return undefined
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => [])
    const links = await Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')))
    if (!links.some((link) => sockets.includes(link))) continue
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    return { pid: Number(pid), command: command.replaceAll('\0', ' ').trim() }
  }
  return undefined
}

async function holderFromLsof(port: number): Promise<PortHolder | undefined> {
  const { stdout } = await promisify(execFile)('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc']).catch(() => ({
    stdout: '',
  }))
  const pid = /^p(\d+)/m.exec(stdout)?.[1]
  return pid === undefined ? undefined : { pid: Number(pid), command: /^c(.*)/m.exec(stdout)?.[1] ?? '' }
}
