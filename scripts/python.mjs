// `npm run python -- --model …`: the example's inference service in Python. Sets up a virtual environment in the cache, once, and starts it.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './setup.mjs'

const folder = join(root, 'examples', 'object-classification', 'python')
const requirements = join(folder, 'requirements.txt')
const environment = join(process.env.SPOOR_CACHE ?? join(root, '.cache'), 'python-inference')
const python = join(environment, ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']))

/** What is installed is what the file says. */
function setUp() {
  const stamp = join(environment, '.requirements')
  const wanted = createHash('sha256').update(readFileSync(requirements)).digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  process.stderr.write('  Installing FastAPI, ONNX Runtime and the OpenTelemetry SDK of Python …\n')
  step(process.env.PYTHON ?? 'python3', ['-m', 'venv', environment])
  step(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements])
  writeFileSync(stamp, wanted)
}

function step(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  if (status === 0) return
  process.stderr.write(
    `"${[command, ...args].join(' ')}" failed${error ? `: ${error.message}` : ''}. It needs Python 3.11 or later with venv (Debian: python3-venv); PYTHON names another one.\n`,
  )
  process.exit(1)
}

setUp()
const child = spawn(python, [join(folder, 'inference.py'), ...process.argv.slice(2)], { stdio: 'inherit', cwd: root })
// Ctrl-C reaches the child by itself; this process only has to stay until it has ended.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill('SIGTERM'))
child.on('exit', (code) => process.exit(code ?? 1))
