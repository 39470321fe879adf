#!/usr/bin/env node
// In the workspace this file is there before the build is, so that npm can link it.
import { statSync } from 'node:fs'
import { restartWithAllocator, startsStore } from './allocator.js'
import { cacheCompiled } from './compile-cache.js'

restartWithAllocator()
cacheCompiled(startsStore(process.argv.slice(2)))

const changedMs = (path) => statSync(new URL(path, import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0

// Bundled, it starts in half the time. In the workspace a package may have been compiled since; a published one has no such file.
const bundledMs = changedMs('../dist/bundle/main.js')
const isBundled = ['otlp', 'trace', 'collector', 'storage', 'server'].every(
  (name) => changedMs(`../../${name}/dist/.tsbuildinfo`) <= bundledMs,
)
if (bundledMs > 0 && isBundled) await import('../dist/bundle/main.js')
else if (changedMs('../dist/main.js') > 0) await import('../dist/main.js')
else {
  process.stderr.write('spoor is not built yet: run "npm run build" in the workspace (or "npm start", which does it)\n')
  process.exit(1)
}
