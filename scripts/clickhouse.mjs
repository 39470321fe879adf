// Runs the conformance suite and what else there is of tests for the ClickHouse store on a real engine: `npm run clickhouse`. Without $SPOOR_CLICKHOUSE_URL that is the engine as a library
// (PyPI's chdb), which is installed into a cache the first time, behind a front that speaks HTTP. Whatever follows goes to vitest, as `-t "searches"`.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const CHDB = 'chdb==4.4.0'
const testkit = join(dirname(dirname(fileURLToPath(import.meta.url))), 'packages/storage/src/clickhouse/testkit')

function run(command, args, options = {}) {
  const { status } = spawnSync(command, args, { stdio: 'inherit', ...options })
  if (status !== 0) process.exit(status ?? 1)
}

/** The Python that has the engine. */
function python() {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'spoor', CHDB.replace('==', '-'))
  const bin = join(cache, 'bin', 'python')
  if (existsSync(join(cache, 'installed'))) return bin
  process.stderr.write(`installing ${CHDB} into ${cache}\n`)
  mkdirSync(dirname(cache), { recursive: true })
  run('python3', ['-m', 'venv', cache])
  run(bin, ['-m', 'pip', 'install', '--quiet', CHDB])
  mkdirSync(join(cache, 'installed'))
  return bin
}

async function startFront(directory) {
  const front = spawn(python(), [join(testkit, 'front.py'), directory], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise((_, reject) =>
    front.once('exit', (code) => reject(new Error(`the engine ended with ${code} before it listened`))),
  )
  const [port] = await Promise.race([once(createInterface({ input: front.stdout }), 'line'), ended])
  ended.catch(() => {})
  return { url: `clickhouse://127.0.0.1:${port}/spoor_test`, stop: () => front.stdin.end() }
}

function once(emitter, event) {
  return new Promise((resolve) => emitter.once(event, (...values) => resolve(values)))
}

const directory = mkdtempSync(join(tmpdir(), 'spoor-clickhouse-'))
const front = process.env.SPOOR_CLICKHOUSE_URL ? undefined : await startFront(directory)
const tests = spawn('vitest', ['run', '--config', join(testkit, 'vitest.config.ts'), ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, ...(front && { SPOOR_CLICKHOUSE_URL: front.url, SPOOR_CHDB_PYTHON: python() }) },
})
const [status] = await once(tests, 'exit')
front?.stop()
rmSync(directory, { recursive: true, force: true })
process.exit(status ?? 1)
