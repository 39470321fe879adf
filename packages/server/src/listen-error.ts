import { CollectorError } from '@spoor/collector'
import { SpoorError } from './error.ts'
import { portOwner } from './port-owner.ts'

/** A port that Spoor was told to listen on, with the option that changes it. */
interface PortUse {
  readonly port: number
  readonly flag: string
  readonly what: string
}

/**
 * A listening error with the flag that is the way out and, where it can be known, the process in the way. Other errors
 * as they are.
 */
export function explainListenError(error: unknown, uses: readonly PortUse[]): unknown {
  let cause = error
  while (cause instanceof CollectorError) cause = cause.cause
  const { code, port, address } = (cause ?? {}) as { code?: string; port?: number; address?: string }
  if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') return error
  const use = uses.find((each) => each.port === port)
  const which = `port ${port}${use ? ` for ${use.what}` : ''}`
  const wayOut = use ? `choose another with ${use.flag} N` : 'set another endpoint in the configuration'
  if (code === 'EADDRNOTAVAIL') {
    const message = `${address} is not an address of this machine: choose another with --host, or in the configuration`
    return new SpoorError('listen', message, { cause })
  }
  if (code === 'EACCES') {
    return new SpoorError('listen', `${which} may not be opened by this user: ${wayOut}, above 1023`, { cause })
  }
  const owner = port === undefined ? undefined : portOwner(port)
  const message = `${which} is taken${owner ? ` by ${owner}` : ''}: stop that program, or ${wayOut}`
  return new SpoorError('listen', message, { cause })
}
