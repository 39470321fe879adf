import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it } from 'vitest'
import { FAULTS_VARIABLE, fault, onFaults, setFaults } from './faults.ts'
import type { FaultMessage, ServiceFaults } from './faults.ts'

afterEach(() => setFaults({}))

describe('faults in a process', () => {
  it('are as they were last told, and tell who listens until that is ended', () => {
    const heard: unknown[] = []
    const end = onFaults(() => heard.push(fault('slow_model')))
    setFaults({ slow_model: { ms: 5 } })
    setFaults({ errors: { percent: 1 } })
    end()
    setFaults({ slow_model: { ms: 6 } })
    expect(heard).toEqual([undefined, { ms: 5 }, undefined])
  })

  it('come from the environment and from the world, move the clock and take memory, and keep no process alive', async () => {
    const faults = new URL('./faults.ts', import.meta.url).href
    const script = `
      const true_ = Date.now()
      const { fault } = await import(${JSON.stringify(faults)})
      const say = (what) => console.log(JSON.stringify({ skew: Math.round((Date.now() - true_) / 1000), ...what }))
      say({ mb: fault('memory_pressure')?.mb })
      const used = () => process.memoryUsage().heapUsed
      const taken = () => process.memoryUsage().heapTotal
      const before = [used(), taken()]
      const open = setInterval(() => {}, 1000)
      process.on('disconnect', () => process.exit(1))
      process.on('message', ({ faults, heap, end }) => {
        if (faults) say({})
        if (heap) say({ grown: (used() - before[0]) / 2 ** 20, taken: (taken() - before[1]) / 2 ** 20 })
        if (end) clearInterval(open)
      })`
    const first: Partial<ServiceFaults> = { skewed_clock: { ms: 3_600_000 }, memory_pressure: { mb: 64 } }
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, [FAULTS_VARIABLE]: JSON.stringify(first) },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    if (!child.stdout) throw new Error('it says nothing')
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const said = async (): Promise<{ skew: number; mb?: number; grown?: number; taken?: number }> =>
      JSON.parse(String((await lines.next()).value)) as { skew: number }
    const near = (skew: number, expected: number): boolean => Math.abs(skew - expected) < 60
    const { skew, mb } = await said()
    expect(near(skew, 3600)).toBe(true)
    expect(mb).toBe(64)
    for (let grown = 0; grown < 40;) {
      child.send({ heap: true })
      grown = (await said()).grown ?? 0
    }
    child.send({ faults: { skewed_clock: { ms: -7_200_000 } } } satisfies FaultMessage)
    expect(near((await said()).skew, -7200)).toBe(true)
    // What was held is given back at once, to the system, too, and not when somebody needs it.
    child.send({ heap: true })
    const { grown, taken } = await said()
    expect(grown).toBeLessThan(20)
    expect(taken).toBeLessThan(20)
    child.send({ end: true })
    expect(await once(child, 'exit')).toEqual([0, null])
  })
})
