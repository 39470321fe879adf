// `npm run memory`: the long form of the attacks on the receivers' memory, with the figures of each; about two minutes.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from './setup.mjs'

const test = 'packages/collector/src/receivers/otlp/memory.test.ts'
const { status } = spawnSync(process.execPath, [join(root, 'scripts/unit.mjs'), test, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, SPOOR_MEMORY_LONG: '1' },
})
process.exit(status ?? 130)
