import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lastLines, startChild, waitUntilHealthy } from './child.ts'
import type { Child } from './child.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'world-'))
})
afterAll(() => rm(directory, { recursive: true }))

let count = 0
/** Starts Node with a script. */
function start(script: string, more: { health?: string; onLine?: (line: string) => void } = {}): Promise<Child> {
  return startChild({ name: 'program', args: ['-e', script], log: join(directory, `${count++}.log`), ...more })
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('startChild', () => {
  it('writes what the program says to its log', async () => {
    const child = await start("console.log('out'); console.error('err')")
    expect(await child.ended).toEqual({ code: 0, signal: null })
    expect(await readFile(child.program.log, 'utf8')).toBe('out\nerr\n')
    expect(await lastLines(child.program, 1)).toBe(`    err\n    (all of it: ${child.program.log})`)
  })

  it('hands the lines of its output on when it is asked to', async () => {
    const lines: string[] = []
    const child = await start("console.log('one'); console.log('two'); console.error('err')", {
      onLine: (line) => lines.push(line),
    })
    await child.ended
    expect(lines).toEqual(['one', 'two'])
    expect(await readFile(child.program.log, 'utf8')).toBe('err\n')
  })

  it('stops it in order', async () => {
    const script = "process.on('SIGTERM', () => { console.log('bye'); process.exit(7) }); console.log('up')"
    const { promise: up, resolve } = Promise.withResolvers<string>()
    const child = await start(`${script}; setInterval(() => {}, 1000)`, { onLine: resolve })
    await up
    await Promise.all([child.stop(), child.stop()])
    expect(child.running()).toBe(false)
    expect(await child.ended).toEqual({ code: 7, signal: null })
  })

  it('says why a program did not become ready', async () => {
    const child = await start("console.error('no such model'); process.exitCode = 1", { health: 'http://127.0.0.1:1/' })
    const { signal } = new AbortController()
    await expect(waitUntilHealthy(child, 10_000, signal)).rejects.toThrow(
      /ended before it was ready\n {4}no such model/,
    )
  })

  it('ends with the process that started it, even when that is killed', async () => {
    const keeper = fileURLToPath(new URL('../testkit/keeper.ts', import.meta.url))
    const parent = spawn(process.execPath, [keeper, join(directory, 'stay.log')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string]
    const pid = Number(line)
    expect(isRunning(pid)).toBe(true)
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    while (isRunning(pid)) await sleep(20)
  })
})
