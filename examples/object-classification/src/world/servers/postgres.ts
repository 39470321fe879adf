/** PostgreSQL with a folder and a port of its own. */
import { chownSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ownFolder, runNative } from './native.ts'
import type { NativeProgram } from './native.ts'
import { serverUser } from './programs.ts'
import type { ServerPrograms } from './programs.ts'

/** Makes the database where there is none. @param password Of the user `spoor`. */
export function postgresProgram(
  { postgres, initdb }: ServerPrograms,
  folder: string,
  port: number,
  password: string,
): NativeProgram {
  const user = serverUser(['postgres', 'nobody'])
  ownFolder(folder, user)
  const data = join(folder, 'data')
  const shared = { cwd: folder, user }
  if (!existsSync(join(data, 'PG_VERSION'))) {
    const file = join(folder, 'password')
    writeFileSync(file, password, { mode: 0o600 })
    if (user) chownSync(file, user.uid, user.gid)
    rmSync(data, { recursive: true, force: true })
    const flags = ['-U', 'spoor', '--auth=scram-sha-256', `--pwfile=${file}`, '-E', 'UTF8', '--no-locale', '--no-sync']
    runNative({ ...shared, name: 'initdb', command: initdb, args: ['-D', data, ...flags] })
    rmSync(file)
  }
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'shared_buffers=16MB']
  return {
    ...shared,
    name: 'PostgreSQL',
    command: postgres,
    args: ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    // Fast: clients are cut off, and all is written.
    stopSignal: 'SIGINT',
  }
}
