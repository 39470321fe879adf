import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

let directory: string
let fifo: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-lifetime-'))
  fifo = join(directory, 'fifo')
  execFileSync('mkfifo', [fifo])
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** Runs the child; sends it `signals`, the first when it is ready, the next when it says that it stops. */
async function run(how: string, ...signals: NodeJS.Signals[]) {
  const script = join(import.meta.dirname, 'lifetime.test.child.ts')
  const child = spawn(process.execPath, ['--conditions=@spoor/source', script, how, fifo], { stdio: 'pipe' })
  let output = ''
  const cues = [/ready/, /stopping/]
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data.toString()
      if (signals.length === 0 || !cues[0]?.test(output)) return
      cues.shift()
      child.kill(signals.shift())
    })
  }
  const killer = setTimeout(() => child.kill('SIGKILL'), 30_000)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  clearTimeout(killer)
  return { code, output }
}

it('stops in order at a signal', async () => {
  const { code, output } = await run('well', 'SIGTERM')
  expect([code, output]).toEqual([0, 'ready\nstopping\ndrained\nstopped\n'])
})

it('goes on for a while after a signal, when it has said that it is not ready', async () => {
  const { code, output } = await run('delays', 'SIGTERM')
  expect([code, output]).toEqual([0, 'ready\nstopping\ndrained\nstopped\n'])
})

it('goes on no more when it is told to stop again', async () => {
  const { code, output } = await run('delays-long', 'SIGTERM', 'SIGTERM')
  expect(code).toBe(143)
  expect(output).toContain('drained')
  expect(output).not.toContain('stopped')
})

it('ends when its part fails, with the reason', async () => {
  const { code, output } = await run('fails')
  expect(code).toBe(1)
  expect(output).toContain('says stopping, as it cannot go on: the disk burns\nstopped')
})

it.each([
  ['throws', 'a bug here'],
  ['rejects', 'a bug there'],
])('tells of a defect that %s, with its stack, and stops in order', async (how, message) => {
  const { code, output } = await run(how)
  expect(code).toBe(1)
  expect(output).toContain(`a defect of Spoor, which stops because of it: ${message}`)
  expect(output).toMatch(/"stack":"Error: a bug.*lifetime\.test\.child\.ts/)
  expect(output).toContain('stopped')
})

it('ends by its deadline though a thread is blocked in a system call; names what hung and stops the rest', async () => {
  const { code, output } = await run('thread-hangs', 'SIGTERM')
  expect(code).toBe(1)
  expect(output).toContain('the third stopped')
  expect(output).toContain('says the second did not stop within 1 s')
})

it('ends at once by a second signal, though a thread is blocked in a system call', async () => {
  const { code, output } = await run('hangs', 'SIGTERM', 'SIGTERM')
  expect(code).toBe(143)
  expect(output).toContain('says ended at once by a second SIGTERM')
})

it('is stopped while it starts', async () => {
  expect((await run('gives-way-in-start', 'SIGTERM')).code).toBe(0)
})

it('ends soon when it is stopped while it starts and the start does not give way', async () => {
  const { code, output } = await run('hangs-in-start', 'SIGTERM')
  expect(code).toBe(1)
  expect(output).toContain('says told to stop while it was starting')
})
