/** Where the ports of a world are: all on 127.0.0.1, or with `--netns` at an address of each program's own. */
export interface Places {
  /** By which name the world's programs call who listens on this port. */
  readonly nameOf: (port: number) => string
  /** By which address this process reaches it. */
  readonly addressOf: (port: number) => string
  /** What this process listens on for the world's programs. */
  readonly listen: string
  /** What the world's programs listen on. */
  readonly inside: string
  /** The network namespace that a program runs in; undefined for this process's own. */
  readonly namespaceOf: (program: string) => string | undefined
}

const HOST = '127.0.0.1'

/** Everything is on this machine's loopback. */
export const LOOPBACK: Places = {
  nameOf: () => HOST,
  addressOf: () => HOST,
  listen: HOST,
  inside: HOST,
  namespaceOf: () => undefined,
}
