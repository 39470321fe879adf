import { stopAll } from './process/running.ts'

/** A whole number that an option has. @throws Error with what is wrong in a line */
export function numberOf(name: string, text: string, min: number, max: number): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < min || number > max)
    throw new Error(`--${name} ${text}: not a number from ${min} to ${max}`)
  return number
}

/** The end of a script: runs it with the options that it was given, and ends with what it says, 2 for a wrong argument, or 130 at Ctrl-C, with all that it started. */
export async function runCommand<Options>(
  read: (args: readonly string[]) => Options,
  usage: string,
  run: (options: Options) => Promise<number>,
): Promise<void> {
  process.once('SIGINT', () => void stopAll().then(() => process.exit(130)))
  let options: Options
  try {
    options = read(process.argv.slice(2))
  } catch (error) {
    console.error(`${(error as Error).message}\n\n    ${usage}`)
    process.exit(2)
  }
  process.exitCode = await run(options)
}
