#!/usr/bin/env node
// In the workspace this file is there before the build is, so that npm can link it.
import { existsSync } from 'node:fs'

const main = new URL('../dist/main.js', import.meta.url)
if (existsSync(main)) await import(main.href)
else {
  process.stderr.write('spoor is not built yet: run "npm run build" in the workspace (or "npm start", which does it)\n')
  process.exit(1)
}
