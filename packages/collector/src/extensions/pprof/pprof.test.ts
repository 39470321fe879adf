import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { NO_OVERVIEW, type Host } from '../../component/index.ts'
import { createTestContext } from '../../testkit/index.ts'
import { pprofExtension } from './index.ts'
import { createProfiler } from './profiler.ts'

const HOST: Host = { extension: () => undefined, fail: () => {}, overview: () => NO_OVERVIEW }

async function start(options: object = {}) {
  const parsed = pprofExtension.config.safeParse({ endpoint: '127.0.0.1:0', ...options })
  if (!parsed.success) throw new Error(JSON.stringify(parsed.error.issues))
  const context = createTestContext('pprof')
  const extension = pprofExtension.create(context, parsed.data)
  await extension.start(HOST)
  const stop = (): Promise<void> => extension.shutdown(AbortSignal.timeout(1000))
  onTestFinished(stop)
  const { address } = extension.listening!()[0]!
  return { context, stop, get: (path: string) => fetch(`http://${address}${path}`) }
}

interface CpuProfile {
  readonly nodes: readonly { readonly callFrame: { readonly functionName: string } }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** Something to be seen. */
function spinForAWhile(): void {
  for (const until = performance.now() + 60; performance.now() < until;) JSON.parse(JSON.stringify(['a', 'b', 'c']))
}

test('a CPU profile says where the time went, in the form of a .cpuprofile', async () => {
  const { get } = await start()
  const asked = get('/debug/pprof/profile?seconds=0.2')
  const spinning = setInterval(spinForAWhile, 5)
  onTestFinished(() => clearInterval(spinning))
  const answer = await asked
  expect(answer.headers.get('content-type')).toBe('application/json')
  const { nodes, samples, timeDeltas } = (await answer.json()) as CpuProfile
  expect(nodes.map(({ callFrame }) => callFrame.functionName)).toContain('spinForAWhile')
  expect(samples.length).toBe(timeDeltas.length)
})

test('a heap profile says what was allocated since the start and lives, in the form of a .heapprofile', async () => {
  const { get } = await start()
  const kept = allocateSome()
  const { head } = (await (await get('/debug/pprof/heap')).json()) as { head: object }
  expect(kept.length).toBeGreaterThan(0)
  expect(JSON.stringify(head)).toContain('"functionName":"allocateSome"')
})

function allocateSome(): object[] {
  return Array.from({ length: 200_000 }, (_, index) => ({ index, text: `${index}` }))
}

test('the index names what there is, and that go tool pprof cannot read it', async () => {
  const { get } = await start()
  for (const path of ['/debug/pprof', '/debug/pprof/']) {
    const text = await (await get(path)).text()
    expect(text).toContain('href="/debug/pprof/profile?seconds=30"')
    expect(text).toContain('href="/debug/pprof/heap"')
    expect(text).toContain('go tool pprof')
  }
  expect((await get('/debug/pprof/goroutine')).status).toBe(404)
})

test('a CPU profile has a sensible length', async () => {
  const { get } = await start()
  for (const seconds of ['0', '-1', 'x', '601']) {
    const answer = await get(`/debug/pprof/profile?seconds=${seconds}`)
    expect([answer.status, await answer.text()]).toEqual([400, '400 seconds: not a number above 0, up to 600\n'])
  }
})

test('there is one CPU profile at a time, and what there is of it is given at the stop', async () => {
  const profiler = createProfiler()
  await profiler.start()
  const first = profiler.cpu(600_000)
  await expect(profiler.cpu(1)).rejects.toMatchObject({ code: 'overloaded' })
  await profiler.stop()
  expect((JSON.parse(await first) as CpuProfile).nodes.length).toBeGreaterThan(0)
})

test('save_to_file has the CPU profile from the start until the stop', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pprof-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'own.cpuprofile')
  const { context, get, stop } = await start({ save_to_file: file })
  expect((await get('/debug/pprof/profile?seconds=1')).status).toBe(503)
  await stop()
  expect((JSON.parse(readFileSync(file, 'utf8')) as CpuProfile).nodes.length).toBeGreaterThan(0)
  expect(context.logger.lines.map(({ message }) => message)).toContain('The CPU profile is written.')
})

test('a file that cannot be written is told', async () => {
  const { context, stop } = await start({ save_to_file: '/no/such/folder/own.cpuprofile' })
  await stop()
  expect(context.logger.lines.map(({ level, message }) => [level, message])).toContainEqual([
    'error',
    'The CPU profile could not be written.',
  ])
})

test('has the endpoint of the OpenTelemetry Collector', () => {
  expect(pprofExtension.config.safeParse(undefined)).toMatchObject({ data: { endpoint: 'localhost:1777' } })
})
