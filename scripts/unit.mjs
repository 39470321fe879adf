// Runs vitest on the sources, with whatever arguments follow: `npm run unit -- packages/otlp`.
import { spawnSync } from 'node:child_process'
const { status } = spawnSync('vitest', ['run', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --conditions=@spoor/source`.trim() },
})
process.exit(status ?? 1)
