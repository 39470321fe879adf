import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'

const SETTING = 'MALLOC_ARENA_MAX'
let directory: string
let program: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-allocator-'))
  program = join(directory, 'program.mjs')
  const allocator = pathToFileURL(join(import.meta.dirname, '../bin/allocator.js'))
  const said = `{ pid: process.pid, args: process.argv.slice(2), execArgv: process.execArgv, setting: process.env.${SETTING} }`
  writeFileSync(
    program,
    `import { restartWithAllocator } from '${allocator.href}'\nrestartWithAllocator()\nconsole.log(JSON.stringify(${said}))`,
  )
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { pid, stdout, stderr } = spawnSync(process.execPath, ['--stack-size=900', program, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...env },
  })
  expect(stderr).toBe('')
  return { pid, said: JSON.parse(stdout) as unknown }
}

const isLinux = process.platform === 'linux'

it.runIf(isLinux).each([[[]], [['--data', 'a b', '']]])(
  'starts a program with a store anew in its place: %j',
  (args) => {
    const { pid, said } = run(args)
    expect(said).toEqual({ pid, args, execArgv: ['--stack-size=900'], setting: '1' })
  },
)

it.each([[['loadgen']], [['verify', 'data']], [['collector', '--config', 'otel.yaml']], [['--version']]])(
  'leaves collectors alone, and tools that end by themselves: %j',
  (args) => {
    expect(run(args).said).not.toHaveProperty('setting')
  },
)

it('leaves alone what somebody has set', () => {
  expect(run([], { [SETTING]: '7' }).said).toMatchObject({ setting: '7' })
  expect(run([], { GLIBC_TUNABLES: 'glibc.malloc.arena_max=7' }).said).not.toHaveProperty('setting')
})
