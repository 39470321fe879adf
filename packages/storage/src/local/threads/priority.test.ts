import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'

/** Loaded as whoever runs the tests; then it is nobody, who may not raise a priority. */
const PROGRAM = `import { getPriority, setPriority } from 'node:os'
const { giveWay } = await import(process.argv[1])
setPriority(0, 12)
if (process.getuid() === 0) process.setuid(65534)
giveWay(5)
const kept = getPriority(0)
giveWay(15)
console.log(kept, getPriority(0))`

it.skipIf(process.platform !== 'linux')(
  'gives way, but not less than who has started it wants, who is not root',
  () => {
    const module = new URL('priority.ts', import.meta.url).href
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM, module], {
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
    expect(stdout.trim()).toBe('12 15')
  },
)
