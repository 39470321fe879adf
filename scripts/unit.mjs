// Runs vitest on the sources, with whatever arguments follow: `npm run unit -- packages/otlp`. What they start is bundled first.
import { spawnSync } from 'node:child_process'
import { bundle } from './bundle.mjs'
import { temporaryFolder } from './temporary.mjs'
import { unitOptions } from './unit-options.mjs'

if (spawnSync('tsc', ['-b'], { stdio: 'inherit', shell: process.platform === 'win32' }).status !== 0) process.exit(1)
await bundle()
const temporary = temporaryFolder()
// Ctrl-C ends vitest, which is in the same process group; this script has to go on to clean up.
process.on('SIGINT', () => {})
const { status } = spawnSync('vitest', ['run', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: {
    ...process.env,
    ...temporary.environment,
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} ${unitOptions}`.trim(),
  },
  shell: process.platform === 'win32',
})
const left = temporary.close()
if (left.length > 0) process.stderr.write(`left in the temporary folder by tests: ${left.join(', ')}\n`)
process.exit(left.length > 0 ? 1 : (status ?? 130))
