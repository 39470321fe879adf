/** PostgreSQL with a folder and a port of its own. */
import { chownSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ownFolder, runNative } from './native.ts'
import type { NativeProgram, ServerPlace } from './native.ts'
import { serverUser } from './programs.ts'
import type { ServerPrograms } from './programs.ts'

/** Who is let in: whoever reaches it and has the password. Debian's own and that of `initdb` know this machine alone. */
const ACCESS = 'host all all all scram-sha-256\n'

/** Makes the database where there is none. */
export function postgresProgram(
  { postgres, initdb }: ServerPrograms,
  folder: string,
  { host, port, password }: ServerPlace,
): NativeProgram {
  const user = serverUser(['postgres', 'nobody'])
  ownFolder(folder, user)
  const data = join(folder, 'data')
  const shared = { cwd: folder, user }
  const write = (name: string, text: string): string => {
    const file = join(folder, name)
    writeFileSync(file, text, { mode: 0o600 })
    if (user) chownSync(file, user.uid, user.gid)
    return file
  }
  if (!existsSync(join(data, 'PG_VERSION'))) {
    const file = write('password', password)
    rmSync(data, { recursive: true, force: true })
    const flags = ['-U', 'spoor', '--auth=scram-sha-256', `--pwfile=${file}`, '-E', 'UTF8', '--no-locale', '--no-sync']
    runNative({ ...shared, name: 'initdb', command: initdb, args: ['-D', data, ...flags] })
    rmSync(file)
  }
  const access = write('pg_hba.conf', ACCESS)
  const settings = [`listen_addresses=${host}`, `hba_file=${access}`, 'unix_socket_directories=', 'shared_buffers=16MB']
  return {
    ...shared,
    name: 'PostgreSQL',
    command: postgres,
    args: ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    // Fast: clients are cut off, and all is written.
    stopSignal: 'SIGINT',
  }
}
