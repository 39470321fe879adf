/** The child's side of {@link startChild}: what it says first, and the commands that it answers. */
export interface Command {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

export type Reply = { readonly id: number } & ({ readonly result: unknown } | { readonly error: string })

/** Says to the parent that this process is ready, and where it listens. Call it once. */
export function say(ready: object): void {
  if (!process.send) throw new Error(`${process.argv[1]} is a part of the bench and is started by it: npm run bench`)
  process.send(ready)
  // A parent that has gone must not leave its children behind.
  process.once('disconnect', () => process.exit(0))
  // Exiting, instead of being ended by the signal, is what makes `--cpu-prof` write its file.
  if (process.listenerCount('SIGTERM') === 0) process.once('SIGTERM', () => process.exit(0))
}

/** Answers the parent's commands, each by its name. */
export function answer(commands: Readonly<Record<string, (argument: never) => unknown>>): void {
  process.on('message', ({ id, name, argument }: Command) => {
    const run = async (): Promise<Reply> => {
      const command = commands[name]
      if (!command) throw new Error(`no command ${name}`)
      return { id, result: await command(argument as never) }
    }
    run()
      .catch((error: unknown): Reply => ({
        id,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }))
      .then((reply) => process.send?.(reply))
      .catch(() => process.exit(1))
  })
}
