import { OtlpError } from '@spoor/otlp'
import { StorageError, type StorageErrorCode } from '../contract.ts'

/** Numbers of ClickHouse's errors, and what each means here; the words go on from `doing: its own words; `. */
const CODES: Readonly<Record<string, readonly [StorageErrorCode, string?]>> = {
  // What was sent is wrong, and would be the next time.
  26: ['corrupt'],
  27: ['corrupt'],
  33: ['corrupt'],
  53: ['corrupt'],
  117: ['corrupt'],
  131: ['corrupt'],
  // The answer is too much, or takes too long.
  158: ['timeout', 'ask for less, or let a query read more rows'],
  396: ['timeout', 'ask for less: that are more rows than one query may give'],
  159: ['timeout', 'ask for less, or give it more time'],
  160: ['timeout', 'ask for less, or give it more time'],
  // It is busy, or full.
  202: ['overloaded', 'more queries than it takes at a time'],
  203: ['overloaded'],
  241: ['overloaded', 'it has no memory for that now'],
  252: ['overloaded', 'it is behind with merging what was stored'],
  243: ['disk_full', 'its disk is full: free some space'],
  // Somebody has to do something; until then it can be sent again.
  16: ['io', 'its tables are not what Spoor needs: see "spoor clickhouse schema"'],
  60: ['io', 'the table is not there: make it as "spoor clickhouse schema" says'],
  81: ['io', 'the database is not there: make it as "spoor clickhouse schema" says'],
  164: ['io', 'the user may only read, or may not choose settings: give it readonly = 0'],
  192: ['io', 'the user is not known there'],
  193: ['io', 'the password is wrong: give it in the address, or as $SPOOR_CLICKHOUSE_PASSWORD'],
  194: ['io', 'the user needs a password: give it in the address, or as $SPOOR_CLICKHOUSE_PASSWORD'],
  497: ['io', 'the user may not do that: grant it SELECT and INSERT on the tables, and CREATE to make them'],
  516: ['io', 'user or password is wrong; the password may be in the address, or be $SPOOR_CLICKHOUSE_PASSWORD'],
}

/** The error as a StorageError: what ClickHouse says, or the connection to it, in the words of the operation that failed. */
export function storeError(error: unknown, doing: string): StorageError {
  if (error instanceof StorageError) return error
  const { message, code } = error as { message?: string; code?: unknown }
  if (error instanceof OtlpError)
    return new StorageError('corrupt', `${doing}: not valid OTLP: ${error.message}`, { cause: error })
  const [own, advice] = (typeof code === 'string' && CODES[code]) || (['io'] as const)
  const text = firstLine(message || String(code ?? error))
  return new StorageError(own, `${doing}: ${text}${advice === undefined ? '' : `; ${advice}`}`, { cause: error })
}

/** Whether the connection broke, as one does that was idle when the server, or what is before it, closed it. */
export function isBroken(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: string }
  return code === 'ECONNRESET' || code === 'EPIPE' || message === 'socket hang up'
}

/** Of what may have a stack of the server below it. */
function firstLine(text: string): string {
  const line = text.split('\n', 1)[0]!.trim()
  return line.length > 500 ? `${line.slice(0, 500)}…` : line
}
