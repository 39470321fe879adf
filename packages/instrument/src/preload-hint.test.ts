import { expect, test } from 'vitest'
import { preloadOfIndex } from './preload-hint.ts'
import { runApp } from './testkit/run-app.ts'

const hint = 'spoor: --import @spoor/instrument starts nothing by itself; write --import @spoor/instrument/register\n'

test.each([
  [['--import', '@spoor/instrument'], '', '--import'],
  [['--import=@spoor/instrument', '--watch'], '', '--import'],
  [[], '--max-old-space-size=100 --require "@spoor/instrument"', '--require'],
  [[], '-r @spoor/instrument', '-r'],
  [['--import', '@spoor/instrument/register'], '', undefined],
  [['--import', './@spoor/instrument'], '--import @spoor/instrument-more', undefined],
  [[], undefined, undefined],
])('of %j and %j', (execArgv, nodeOptions, option) => {
  expect(preloadOfIndex(execArgv, nodeOptions)).toBe(option)
})

test('a program that loads the package and not its register entry is told, unless it starts tracing itself', async () => {
  const run = (way: string) =>
    runApp('exit.mjs', { register: false, args: [way], env: { NODE_OPTIONS: '--import @spoor/instrument' } })
  const [silent, started] = await Promise.all([run('end'), run('flush-shutdown')])
  expect(silent).toMatchObject({ code: 0, stderr: hint })
  expect(started.stderr).not.toContain('starts nothing')
})
