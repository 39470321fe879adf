// Before each file of unit tests: what is waited for may take its time on a busy machine. vitest gives it a second, and has a setting for `expect.poll` alone.
import { vi } from 'vitest'

const TIMEOUT_MS = 30_000

for (const name of ['waitFor', 'waitUntil']) {
  const wait = vi[name]
  vi[name] = (callback, options = {}) =>
    wait(callback, typeof options === 'number' ? options : { timeout: TIMEOUT_MS, ...options })
}
