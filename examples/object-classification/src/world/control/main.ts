/** `npm run world`: the switches of a world that runs, from the command line. */
import { cac } from 'cac'
import { runCli } from '../../service/cli.ts'
import type { FaultSwitch } from '../faults/board.ts'
import { FAULTS } from '../faults/catalogue.ts'
import { runningWorld } from './ask.ts'
import type { RunningWorld } from './ask.ts'

interface Flags {
  readonly control: string
  readonly [parameter: string]: unknown
}

const cli = cac('npm run world --')
cli.option('--control <url>', 'Where the world is controlled', { default: 'http://127.0.0.1:5009' })
cli.command('', 'What there is, and what is on').action(async (flags: Flags) => {
  await list(runningWorld(flags.control))
})
cli
  .command('on <fault> <at>', 'Switches a fault on at a service or link; what it can be told: --ms 800')
  .allowUnknownOptions()
  .action(async (fault: string, at: string, flags: Flags) => {
    const told = Object.entries(flags).filter(([key]) => key !== 'control' && key !== '--')
    console.log(switchText(await runningWorld(flags.control).switchOn(fault, at, Object.fromEntries(told))))
  })
cli.command('off <fault> <at>', 'Switches it off').action(async (fault: string, at: string, { control }: Flags) => {
  await runningWorld(control).switchOff(fault, at)
})
cli.command('clear', 'Switches all off').action(async ({ control }: Flags) => {
  await runningWorld(control).clear()
})
await runCli(cli)

async function list(world: RunningWorld): Promise<void> {
  const { services, links, faults, on } = await world.describe()
  for (const { name, site, running } of services)
    console.log(`  ${name.padEnd(24)}${site ?? ''}${running ? '' : '   not running'}`)
  for (const { name, up, text } of links) console.log(`  ${name.padEnd(24)}${text}${up ? '' : '   cut'}`)
  console.log()
  for (const { name, what, at } of faults.filter(({ at }) => at.length > 0)) {
    const told = Object.entries(FAULTS[name].parameters).map(([key, { default: usual }]) => ` --${key} ${usual}`)
    console.log(`  ${name}${told.join('')}\n      ${what}\n      at ${at.join(', ')}`)
  }
  console.log(on.length === 0 ? '\n  Nothing is on.' : `\n  On:\n${on.map(switchText).join('\n')}`)
}

function switchText({ fault, at, parameters }: FaultSwitch): string {
  const told = Object.entries(parameters).map(([key, value]) => ` --${key} ${value}`)
  return `  ${fault} ${at}${told.join('')}`
}
