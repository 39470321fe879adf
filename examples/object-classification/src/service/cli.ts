import type { CAC } from 'cac'

/** Parses the process's arguments and runs the command; what goes wrong is one line and exit code 1. */
export async function runCli(cli: CAC): Promise<void> {
  // There is one command: how to ask for the help of others is no help.
  cli.help((sections) => sections.filter(({ title = '' }) => !title.startsWith('For more info')))
  try {
    cli.parse(process.argv, { run: false })
    await cli.runMatchedCommand()
  } catch (error) {
    console.error(`${cli.name}: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}

/**
 * Reads a port.
 *
 * @throws For anything but an integer of 1 to 65535, naming the flag.
 */
export function readPort(flag: string, value: unknown): number {
  const port = Number(value)
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`${flag} ${String(value)}: a port is an integer of 1 to 65535`)
  return port
}
