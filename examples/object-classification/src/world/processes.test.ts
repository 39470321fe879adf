import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Program } from './child.ts'
import { Processes } from './processes.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'processes-'))
})
afterAll(() => rm(directory, { recursive: true }))

const program = (script: string): Program => ({
  name: 'program',
  args: ['-e', script],
  log: join(directory, 'program.log'),
})
const ENDLESS = 'setInterval(() => {}, 1000)'

describe('a program that is run to its end', () => {
  it('is waited for', async () => {
    const processes = new Processes({ signal: new AbortController().signal, onUnexpectedEnd() {} })
    await processes.runToEnd(program(''))
    expect(processes.running).toEqual([])
  })

  it.each(['while it is being started', 'while it runs'])('is given up when the world is stopped %s', async (when) => {
    const stopping = new AbortController()
    const processes = new Processes({ signal: stopping.signal, onUnexpectedEnd() {} })
    const ended = processes.runToEnd(program(ENDLESS))
    if (when === 'while it runs') await expect.poll(() => processes.running).toHaveLength(1)
    stopping.abort(new Error('stopped'))
    await expect(ended).rejects.toThrow('stopped')
    // It is known, so that whoever stops the world ends it.
    expect(processes.running).toHaveLength(1)
    await processes.end('program')
    expect(processes.running).toEqual([])
  })
})
