import type * as sqlite from 'node:sqlite'
import { CollectorError } from './error.ts'

/** Node's SQLite, without the warning that it is experimental, which is for programmers. Throws `unavailable` where it is not there. */
export function loadSqlite(): typeof sqlite {
  // eslint-disable-next-line typescript/unbound-method -- it is put back as it was
  const { emitWarning } = process
  const quiet = (...args: unknown[]): void => {
    if (!String(args[0]).startsWith('SQLite is an experimental feature')) emitWarning.apply(process, args as never)
  }
  Reflect.set(process, 'emitWarning', quiet)
  try {
    const found: typeof sqlite | undefined = process.getBuiltinModule('node:sqlite')
    if (found) return found
  } finally {
    Reflect.set(process, 'emitWarning', emitWarning)
  }
  throw new CollectorError(
    'unavailable',
    `this Node.js ${process.version} was built without SQLite, which keeps queues`,
  )
}

/** All of the work, or none of it. Throws what the work throws, or SQLite; the next transaction can be begun all the same. */
export function transact(database: sqlite.DatabaseSync, work: () => void): void {
  try {
    database.exec('BEGIN')
    work()
    database.exec('COMMIT')
  } catch (error) {
    try {
      if (database.isTransaction) database.exec('ROLLBACK')
    } catch {
      // SQLite has done so by itself.
    }
    throw error
  }
}
