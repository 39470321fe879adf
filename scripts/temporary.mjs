// A temporary folder of its own for a run of tests: whatever they, and the programs that they start, put into the system's temporary folder is in it, is
// looked at when they have ended, and is gone afterwards.
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './setup.mjs'

/** What other people's programs leave, and we cannot help: onnxruntime's telemetry, Chromium's locks, what Node compiled for programs that ask for it. */
const othersLeave = /^(\.ses|mat-debug-\d+\.log|\.?org\.chromium\..*|node-compile-cache)$/

/**
 * `environment` sends tests there, and lets Node keep what it compiled in the workspace, so that the next run starts sooner. `close()` removes the folder
 * and returns the names of what tests should have removed themselves.
 */
export function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), 'spoor-test-'))
  // Tests that become another user go through it.
  chmodSync(path, 0o711)
  return {
    path,
    environment: { TMPDIR: path, TEMP: path, TMP: path, NODE_COMPILE_CACHE: join(root, '.cache', 'compiled') },
    close() {
      const left = readdirSync(path).filter((name) => !othersLeave.test(name))
      rmSync(path, { recursive: true, force: true, maxRetries: 5 })
      return left
    },
  }
}
