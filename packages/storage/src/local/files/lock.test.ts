import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { lockDirectory } from './lock.ts'

let root: string
let directory: string
const children: ChildProcess[] = []
const mounts: string[] = []

beforeEach(() => {
  directory = root = mkdtempSync(join(tmpdir(), 'spoor-lock-'))
})

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const mount of mounts.splice(0)) execFileSync('umount', [mount])
  rmSync(root, { recursive: true, force: true })
})

const CHILD = ['--conditions=@spoor/source', new URL('./lock.test.child.ts', import.meta.url).pathname] as const

/** A process that takes the lock; resolves with it and the first line that it says. */
async function start(
  mode: 'hold' | 'cycle' | 'once',
  { prefix = [], uid }: { prefix?: readonly string[]; uid?: number } = {},
): Promise<{ child: ChildProcess; said: string; stderr: () => string }> {
  const [command, ...rest] = [...prefix, process.execPath, ...CHILD, directory, mode]
  const env = { ...process.env, NODE_OPTIONS: '' }
  const child = spawn(command, rest, { env, stdio: ['ignore', 'pipe', 'pipe'], ...(uid !== undefined && { uid }) })
  children.push(child)
  let stderr = ''
  child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()))
  const said = await Promise.race([
    once(child.stdout, 'data').then(([bytes]) => (bytes as Buffer).toString().trim()),
    once(child, 'exit').then(() => `ended: ${stderr}`),
  ])
  return { child, said, stderr: () => stderr }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}

function allowed(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

/** A tmpfs in the directory, where this user may mount one. */
const canMount = ((): boolean => {
  const at = mkdtempSync(join(tmpdir(), 'spoor-lock-mount-'))
  const can = allowed('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at) && allowed('umount', at)
  rmSync(at, { recursive: true, force: true })
  return can
})()

function mountSmall(options: string): void {
  directory = join(directory, 'disk')
  mkdirSync(directory)
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory])
  mounts.push(directory)
}

it('is held once at a time, and given back', () => {
  const unlock = lockDirectory(directory)
  expect(() => lockDirectory(directory)).toThrow(expect.objectContaining({ code: 'locked' }))
  unlock()
  unlock()
  const again = lockDirectory(directory)
  unlock() // The first one's: not the lock that is held now.
  expect(() => lockDirectory(directory)).toThrow(expect.objectContaining({ code: 'locked' }))
  again()
  expect(readdirSync(directory)).toEqual(['lock.db'])
})

it('names the owner where it can', () => {
  const unlock = lockDirectory(directory)
  expect(() => lockDirectory(directory)).toThrow(
    `${directory} is in use by process ${process.pid} on ${hostname()} (since `,
  )
  for (const nonsense of ['', 'null', '[]', '{"pid":"x"}']) {
    writeFileSync(join(directory, 'OWNER'), nonsense)
    expect(() => lockDirectory(directory)).toThrow(`${directory} is in use by another process`)
  }
  unlock()
})

it('is not taken through another path to the same directory', () => {
  const unlock = lockDirectory(directory)
  expect(() => lockDirectory(`/proc/self/root${directory}`)).toThrow(expect.objectContaining({ code: 'locked' }))
  unlock()
})

it('is not shared between the threads of a process, and ends with a thread', async () => {
  const unlock = lockDirectory(directory)
  const url = new URL('./lock.ts', import.meta.url).href
  const source = `
    const { parentPort } = require('node:worker_threads')
    import(${JSON.stringify(url)}).then(({ lockDirectory }) => {
      try { lockDirectory(${JSON.stringify(directory)}); parentPort.postMessage('held') }
      catch (error) { parentPort.postMessage(error.code) }
      parentPort.on('message', () => {})
    })`
  const ask = async (): Promise<[Worker, unknown]> => {
    const worker = new Worker(source, { eval: true })
    const [said] = (await once(worker, 'message')) as unknown[]
    return [worker, said]
  }
  const [first, refused] = await ask()
  expect(refused).toBe('locked')
  unlock()
  const [second, said] = await ask()
  expect(said).toBe('held')
  expect(() => lockDirectory(directory)).toThrow(expect.objectContaining({ code: 'locked' }))
  await Promise.all([first.terminate(), second.terminate()])
  lockDirectory(directory)()
})

it.for(['SIGKILL', 'SIGTERM', 'SIGABRT'] as const)('is free at once when its process ended by %s', async (signal) => {
  const { child, said } = await start('hold')
  expect(said).toBe('held')
  expect(() => lockDirectory(directory)).toThrow(`in use by process ${child.pid}`)
  await end(child, signal)
  lockDirectory(directory)()
})

it('is free at once when a process was killed while it took it or gave it back', async () => {
  for (let kill = 0; kill < 6; kill++) {
    const { child, said } = await start('cycle')
    expect(said).toBe('held')
    await new Promise((resolve) => setTimeout(resolve, 3 * kill))
    await end(child, 'SIGKILL')
    lockDirectory(directory)()
    expect(readdirSync(directory)).toEqual(['lock.db'])
  }
})

it('is stopped with its process, and not lost', async () => {
  const { child } = await start('hold')
  child.kill('SIGSTOP')
  expect(() => lockDirectory(directory)).toThrow(expect.objectContaining({ code: 'locked' }))
  await end(child, 'SIGKILL')
  lockDirectory(directory)()
})

const newNamespace = ['unshare', '-pf', '--mount-proc', '--kill-child']

it.skipIf(!allowed(newNamespace[0]!, ...newNamespace.slice(1), 'true'))(
  'holds across pid namespaces, in which both are process 1',
  async () => {
    const first = await start('hold', { prefix: newNamespace })
    expect(first.said).toBe('held')
    const second = await start('once', { prefix: newNamespace })
    expect(second.said).toMatch(/^locked .* is in use by process 1 on /)
    await end(first.child, 'SIGKILL')
    // The process in the namespace dies with its first one, a moment after the one that made the namespace.
    await expect.poll(async () => (await start('once', { prefix: newNamespace })).said).toBe('held')
  },
)

it('stands two thousand times of taking and giving back, and leaves nothing open or behind', () => {
  const open = (): number => readdirSync('/proc/self/fd').length
  const before = process.platform === 'linux' ? open() : 0
  for (let i = 0; i < 2000; i++) lockDirectory(directory)()
  if (process.platform === 'linux') expect(open()).toBe(before)
  expect(readdirSync(directory)).toEqual(['lock.db'])
  expect(statSync(join(directory, 'lock.db')).size).toBe(0)
}, 60_000)

it('is not in the way of many newcomers at once, of which one gets it', async () => {
  const all = await Promise.all(Array.from({ length: 6 }, () => start('hold')))
  expect(all.filter(({ said }) => said === 'held')).toHaveLength(1)
  expect(all.filter(({ said }) => said.startsWith('locked '))).toHaveLength(5)
})

it('gives no warning of its own and hides no other', async () => {
  const { child, stderr } = await start('hold')
  await end(child, 'SIGKILL')
  expect(stderr()).toBe('')
  const emitWarning: unknown = Reflect.get(process, 'emitWarning')
  lockDirectory(directory)()
  expect(Reflect.get(process, 'emitWarning')).toBe(emitWarning)
})

it('takes a lock file in which something was written, and leaves it empty', () => {
  writeFileSync(join(directory, 'lock.db'), 'something else altogether'.repeat(100))
  lockDirectory(directory)()
  expect(statSync(join(directory, 'lock.db')).size).toBe(0)
})

it('makes the directory with its parents, and says why it cannot', () => {
  const deep = join(directory, 'a', 'b', 'c')
  lockDirectory(deep)()
  expect(existsSync(join(deep, 'lock.db'))).toBe(true)
  writeFileSync(join(directory, 'file'), '')
  for (const path of [join(directory, 'file'), join(directory, 'file', 'below'), '/proc/self/spoor/data']) {
    expect(() => lockDirectory(path)).toThrow(
      expect.objectContaining({ code: 'io', message: expect.stringContaining(path) as string }),
    )
  }
  const long = join(directory, ...Array.from({ length: 12 }, () => 'x'.repeat(60)))
  expect(() => lockDirectory(long)).toThrow('too long')
})

it.skipIf(!canMount)('works on a full disk where its file is there, and says so where it cannot be made', () => {
  mountSmall('size=64k,nr_inodes=5')
  lockDirectory(directory)()
  let inode = 0
  expect(() => {
    for (;;) writeFileSync(join(directory, `fill${inode++}`), Buffer.alloc(40_000))
  }).toThrow('ENOSPC')
  const unlock = lockDirectory(directory)
  expect(() => lockDirectory(directory)).toThrow(expect.objectContaining({ code: 'locked' }))
  unlock()
  rmSync(join(directory, 'lock.db'))
  expect(() => {
    for (;;) writeFileSync(join(directory, `fill${inode++}`), '')
  }).toThrow('ENOSPC')
  expect(() => lockDirectory(directory)).toThrow(
    expect.objectContaining({ code: 'disk_full', message: expect.stringContaining('ENOSPC') as string }),
  )
})

it.skipIf(!canMount)('is refused on a disk that is mounted read-only, where it would be no lock', () => {
  mountSmall('size=1m')
  lockDirectory(directory)()
  execFileSync('mount', ['-o', 'remount,ro', directory])
  expect(() => lockDirectory(directory)).toThrow(
    expect.objectContaining({ code: 'io', message: expect.stringContaining('EROFS') as string }),
  )
})

it.skipIf(process.getuid?.() !== 0)(
  'is taken on a file without the right to write, which its owner may give',
  async ({ skip }) => {
    const nobody = 65_534
    chmodSync(directory, 0o777)
    const first = await start('once', { uid: nobody })
    skip(first.said.startsWith('ended: '), 'that user cannot read the sources')
    expect(first.said).toBe('held')
    chmodSync(join(directory, 'lock.db'), 0o444)
    const second = await start('hold', { uid: nobody })
    expect(second.said).toBe('held')
    expect(() => lockDirectory(directory)).toThrow(expect.objectContaining({ code: 'locked' }))
  },
)

it.for([
  ['a process that is gone', JSON.stringify({ pid: 2 ** 22 + 1 })],
  ['a process whose pid another one has now', JSON.stringify({ pid: process.ppid, started: '12345 of another boot' })],
  ['an earlier process with this pid', JSON.stringify({ pid: process.pid, started: '12345 of another boot' })],
  ['a process that was stopped while it wrote', ''],
])('takes the directory of format 1 over from %s, at once', ([, lock]) => {
  writeFileSync(join(directory, 'LOCK'), lock!)
  writeFileSync(join(directory, 'LOCK.takeover'), lock!)
  lockDirectory(directory)()
  expect(readdirSync(directory)).toEqual(['lock.db'])
})

it('does not take a directory of format 1 from a living process, which the error names', () => {
  const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8')
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  const started = `${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]} ${boot}`
  for (const owner of [{ pid: process.ppid, started }, { pid: process.ppid }]) {
    writeFileSync(join(directory, 'LOCK'), JSON.stringify(owner))
    expect(() => lockDirectory(directory)).toThrow(
      `${directory} is in use by process ${process.ppid}, an earlier version`,
    )
    expect(existsSync(join(directory, 'LOCK'))).toBe(true)
  }
  rmSync(join(directory, 'LOCK'))
  lockDirectory(directory)()
})
