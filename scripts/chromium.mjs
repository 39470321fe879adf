// Finds a Chromium for the browser tests, or installs Debian's where that is allowed (Linux, root, apt-get). Returns its path, or the reason why there is none.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'

const candidates = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

function find() {
  return candidates.find((path) => {
    try {
      if (!path) return false
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

export function chromium() {
  const found = find()
  if (found) return { path: found }
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    return { reason: 'no Chromium or Chrome found; install one or set CHROMIUM_PATH' }
  }
  process.stderr.write('  Installing Chromium (apt-get) … ')
  const started = Date.now()
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const run = (...args) => spawnSync('apt-get', args, { env, encoding: 'utf8', timeout: 240_000 })
  run('update', '-qq')
  const result = run('install', '-y', '-qq', '--no-install-recommends', 'chromium')
  const path = find()
  process.stderr.write(path ? `${((Date.now() - started) / 1000).toFixed(1)} s\n` : 'failed\n')
  return path
    ? { path }
    : {
        reason: `apt-get install chromium failed: ${(result.stderr || result.error?.message || '').trim().split('\n').pop()}`,
      }
}
