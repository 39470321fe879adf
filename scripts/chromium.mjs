// Finds a Chromium for the browser tests, or installs Debian's where that is allowed (Linux, root, apt-get). Returns its path, or the reason why there is none.
import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { promisify } from 'node:util'

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

export async function chromium() {
  const found = find()
  if (found) return { path: found }
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    return { reason: 'no Chromium or Chrome found; install one or set CHROMIUM_PATH' }
  }
  const started = Date.now()
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const run = (...args) =>
    promisify(execFile)('apt-get', args, { env, timeout: 240_000 }).catch((error) => ({
      stderr: error.stderr || error.message,
    }))
  await run('update', '-qq')
  const { stderr } = await run('install', '-y', '-qq', '--no-install-recommends', 'chromium')
  const path = find()
  process.stderr.write(`  Installing Chromium (apt-get): ${((Date.now() - started) / 1000).toFixed(1)} s\n`)
  return path ? { path } : { reason: `apt-get install chromium failed: ${stderr.trim().split('\n').pop()}` }
}
