// Holds compose files and Kubernetes manifests to their schemas: `npm run deploy`. Compose files by compose-go, which is what `docker compose` reads them with (built by Go); manifests as
// kustomize makes them (kubectl's, or kustomize itself) by PyPI's kubernetes-validate, which has Kubernetes' own schemas. Both are put into a cache the first time.
// That what they name is there is part of `npm test`.
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const COMPOSE_GO = 'github.com/compose-spec/compose-go/v2/cmd@v2.16.2'
const VALIDATE = 'kubernetes-validate==1.37.0'
/** The oldest and the newest Kubernetes that the manifests are for. */
const KUBERNETES = ['1.31', '1.37']

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'spoor')
let failed = 0

function run(command, args, options = {}) {
  return spawnSync(command, args, { cwd: root, encoding: 'utf8', ...options })
}

function need(command, args, options) {
  const { status, stderr, error } = run(command, args, options)
  if (status === 0) return
  process.stderr.write(`${[command, ...args].join(' ')}: ${error?.message ?? stderr}\n`)
  process.exit(1)
}

function tell(what, { status, stdout, stderr, error }) {
  if (status === 0) return console.log(`  ✓ ${what}`)
  failed++
  console.log(`  ✗ ${what}\n${error?.message ?? stdout + stderr}`)
}

function composeGo() {
  const folder = join(cache, 'compose-go-2.16.2')
  const program = join(folder, 'cmd')
  if (!existsSync(program)) need('go', ['install', COMPOSE_GO], { env: { ...process.env, GOBIN: folder } })
  return program
}

function validator() {
  const folder = join(cache, VALIDATE.replace('==', '-'))
  const program = join(folder, 'bin', 'kubernetes-validate')
  if (existsSync(join(folder, 'installed'))) return program
  need('python3', ['-m', 'venv', folder])
  need(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', VALIDATE])
  mkdirSync(join(folder, 'installed'))
  return program
}

/** Who builds an overlay here. */
function kustomize(folder) {
  const byKubectl = run('kubectl', ['kustomize', folder])
  return byKubectl.error ? run('kustomize', ['build', folder]) : byKubectl
}

const compose = composeGo()
for (const file of globSync('{deploy/*/compose.yaml,examples/object-classification/compose/*.yaml}', { cwd: root })) {
  if (!/^services:/m.test(readFileSync(join(root, file), 'utf8'))) continue
  // Variables are whose who starts it, and paths are looked at by `npm test`.
  tell(file, run(compose, ['-no-interpolation', basename(file)], { cwd: join(root, dirname(file)) }))
}
const validate = validator()
const folder = mkdtempSync(join(tmpdir(), 'spoor-deploy-'))
try {
  for (const overlay of globSync('deploy/kubernetes/overlays/*', { cwd: root })) {
    const built = kustomize(overlay)
    if (built.status !== 0) {
      tell(overlay, built)
      continue
    }
    const file = join(folder, `${basename(overlay)}.yaml`)
    writeFileSync(file, built.stdout)
    for (const version of KUBERNETES)
      tell(
        `${overlay}, Kubernetes ${version}`,
        run(validate, ['--strict', '--quiet', '--kubernetes-version', version, file]),
      )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exit(failed === 0 ? 0 : 1)
