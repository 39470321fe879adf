import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { batchOf, sent } from '../conformance/spans.ts'
import type { TraceStore } from '../contract.ts'
import type { StoreEvent } from '../events.ts'
import { nodeFileSystem, type File, type FileSystem } from '../local/files/file-system.ts'
import { openStoreOn } from '../local/threads/local-store.ts'
import { SimulatedDisk, type Caller } from './faulty-file-system.ts'
import { Random } from './random.ts'
import { runSeed } from './run-seed.ts'
import { SimulatedMachine, SimulatedProcess } from './simulated-machine.ts'

/** Seeds that are run with every test; `npm run chaos` runs others. About 2 s of CPU. */
const SEEDS = 60

it('keeps every promise under faults', { timeout: 600_000 }, async () => {
  let spans = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { failure, log, acknowledgedSpans } = await runSeed({ seed })
    const again = `npm run chaos -- --seed ${seed} --seeds 1`
    if (failure)
      throw new Error(`${failure.message}\n${log.slice(-20).join('\n')}\nagain: ${again}`, { cause: failure })
    spans += acknowledgedSpans
  }
  expect(spans).toBeGreaterThan(20 * SEEDS)
})

it('does the same for the same seed', async () => {
  const [one, other] = [await runSeed({ seed: 7 }), await runSeed({ seed: 7 })]
  expect(one.log.length).toBeGreaterThan(20)
  expect(other).toEqual(one)
})

it('notices a disk that does not do what it says', { timeout: 600_000 }, async () => {
  let seed = 1
  while (seed <= SEEDS && !(await runSeed({ seed, syncLies: true })).failure) seed++
  expect(seed).toBeLessThan(SEEDS)
})

it('does not depend on a name that a killed process never synced', async () => {
  const found = new Set<number>()
  for (let seed = 0; seed < 30; seed++) {
    const machine = new SimulatedMachine(seed)
    const append = batchOf(sent({ trace: 1, id: 1 }))
    const open = async (): Promise<{ process: SimulatedProcess; store: TraceStore }> => {
      const process = new SimulatedProcess(machine)
      const store = await new Promise<TraceStore>((resolve, reject) =>
        process.do(() => void openStoreOn(process.host, { directory: '/data' }).then(resolve, reject)),
      )
      return { process, store }
    }
    const run = async (): Promise<void> => {
      const first = await open()
      const writer = first.process.part('writer')!
      // The log has its header, and its name is not durable.
      writer.fate = { steps: 0, at: /^syncDirectory/, strike: () => first.process.kill() }
      first.process.do(() => void first.store.append(append))
      await first.process.killed
      const second = await open()
      await new Promise<void>((resolve, reject) =>
        second.process.do(() => void second.store.append(append).then(resolve, reject)),
      )
      second.process.kill()
      machine.disk.cut()
      const third = await open()
      await new Promise<void>((resolve, reject) =>
        third.process.do(() => void third.store.stats().then(({ spans }) => resolve(void found.add(spans)), reject)),
      )
    }
    await machine.run(run(), 100_000)
  }
  expect([...found]).toEqual([1])
})

it('does not lose a span again that it has found, though a killed process never synced it', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const machine = new SimulatedMachine(seed)
    const damaged: StoreEvent[] = []
    const open = async (): Promise<{ process: SimulatedProcess; store: TraceStore }> => {
      const process = new SimulatedProcess(machine)
      const onEvent = (event: StoreEvent): void => void (event.code === 'damaged' && damaged.push(event))
      const store = await new Promise<TraceStore>((resolve, reject) =>
        process.do(() => void openStoreOn(process.host, { directory: '/data', onEvent }).then(resolve, reject)),
      )
      return { process, store }
    }
    const spansIn = ({ process, store }: Awaited<ReturnType<typeof open>>): Promise<number> =>
      new Promise((resolve, reject) => process.do(() => void store.stats().then(({ spans }) => resolve(spans), reject)))
    const run = async (): Promise<void> => {
      const first = await open()
      // The record is written, and its sync never begins.
      first.process.part('writer')!.fate = { steps: 0, at: /^dataSync/, strike: () => first.process.kill() }
      first.process.do(() => void first.store.append(batchOf(sent({ trace: 1, id: 1 }))))
      await first.process.killed
      const second = await open()
      expect(await spansIn(second)).toBe(1)
      second.process.kill()
      machine.disk.cut()
      expect(await spansIn(await open())).toBe(1)
    }
    await machine.run(run(), 100_000)
    expect(damaged).toEqual([])
  }
})

/** Somebody whose calls have no effect but their own. */
const caller: Caller = { step() {}, after: (_ms, run) => run() }

it('has a disk that reads and writes as the machine does', () => {
  const root = mkdtempSync(join(tmpdir(), 'spoor-disk-'))
  const operation = fc.oneof(
    fc.record({
      do: fc.constant('write' as const),
      at: fc.nat(9_000),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 6_000 }),
    }),
    fc.record({ do: fc.constant('truncate' as const), at: fc.nat(12_000) }),
    fc.record({ do: fc.constant('read' as const), at: fc.nat(12_000), length: fc.integer({ min: 1, max: 6_000 }) }),
    fc.record({ do: fc.constant('sync' as const) }),
  )
  let run = 0
  try {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 20 }), (operations) => {
        const disk = new SimulatedDisk(new Random(run))
        disk.faults.shortShare = 0
        disk.put(root)
        const path = join(root, String(run++))
        const [real, simulated] = [nodeFileSystem, disk.of(caller)].map((files) => outcome(files, path, operations))
        expect(simulated).toEqual(real)
        // What was synced last is there after a cut; here nothing was written since.
        const file = disk.of(caller).open(path, 'update')
        file.sync()
        disk.of(caller).syncDirectory(root)
        disk.cut()
        expect(contents(disk.of(caller).open(path, 'read'))).toEqual(real!.at(-1))
      }),
      { numRuns: 60 },
    )
  } finally {
    rmSync(root, { recursive: true, force: true })
  }

  type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never
  function outcome(files: FileSystem, path: string, operations: readonly Operation[]): unknown[] {
    const file = files.open(path, 'new')
    const seen: unknown[] = operations.map((one) => {
      switch (one.do) {
        case 'write':
          return file.write(one.bytes, 0, one.bytes.length, one.at)
        case 'truncate':
          return file.truncate(one.at)
        case 'read':
          return file.read(new Uint8Array(one.length), 0, one.length, one.at)
        case 'sync':
          return file.sync()
      }
    })
    seen.push(contents(file))
    file.close()
    return seen
  }

  function contents(file: File): string {
    const bytes = new Uint8Array(file.size())
    file.read(bytes, 0, bytes.length, 0)
    return Buffer.from(bytes).toString('base64')
  }
})

it('loses what was not synced when the power is cut, in parts', () => {
  const outcomes = new Set<string>()
  for (let seed = 0; seed < 200; seed++) {
    const disk = new SimulatedDisk(new Random(seed))
    disk.faults.shortShare = 0
    disk.put('/d')
    const files = disk.of(caller)
    const file = files.open('/d/f', 'new')
    file.write(new Uint8Array(1024).fill(1), 0, 1024, 0)
    file.sync()
    if (seed % 2 === 0) files.syncDirectory('/d')
    file.write(new Uint8Array(1024).fill(2), 0, 1024, 512)
    disk.cut()
    const inode = disk.contents('/d').get('f')
    if (!inode) {
      expect(seed % 2).toBe(1)
      outcomes.add('no name')
      continue
    }
    expect(new Set(inode.bytes.subarray(0, 512))).toEqual(new Set([1]))
    outcomes.add([512, 1024].map((at) => inode.bytes[at] ?? 'end').join(' '))
  }
  expect([...outcomes].sort()).toEqual(
    ['1 0', '1 2', '1 end', '2 0', '2 2', '2 end', 'no name'].filter((one) => outcomes.has(one)),
  )
  expect(outcomes.size).toBeGreaterThan(4)
})

it('tells of a sync that hangs after 10 s, refuses what comes meanwhile, and takes spans again when it returns', async () => {
  const machine = new SimulatedMachine(1)
  const process = new SimulatedProcess(machine)
  const events: StoreEvent[] = []
  const run = async (): Promise<void> => {
    const store = await new Promise<TraceStore>((resolve, reject) =>
      process.do(
        () =>
          void openStoreOn(process.host, { directory: '/data', onEvent: (event) => events.push(event) }).then(
            resolve,
            reject,
          ),
      ),
    )
    const append = (id: number): Promise<unknown> =>
      new Promise((resolve) =>
        process.do(
          () =>
            void store.append(batchOf(sent({ trace: 1, id }))).then(
              () => resolve('stored'),
              (error: unknown) => resolve(String(error)),
            ),
        ),
      )
    machine.disk.faults.syncHangs = true
    const hung = append(1)
    await machine.sleep(9_000)
    expect(events.map(({ code }) => code)).toEqual(['opened'])
    await machine.sleep(3_000)
    const reason = 'the disk has not written a batch for 10 s'
    expect(events.at(-1)).toEqual({ code: 'failing', part: 'writer', reason })
    expect(await append(2)).toContain(reason)
    machine.disk.faults.syncHangs = false
    expect(await hung).toBe('stored')
    expect(await append(3)).toBe('stored')
    expect(events.at(-1)).toMatchObject({ code: 'recovered_again', part: 'writer', failures: 1 })
  }
  await machine.run(run(), 100_000)
})
