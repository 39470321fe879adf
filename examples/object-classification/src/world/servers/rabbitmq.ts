/** RabbitMQ with a folder, ports and a node of its own. */
import { chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ownFolder } from './native.ts'
import type { NativeProgram, ServerPlace } from './native.ts'
import { serverUser } from './programs.ts'
import type { ServerPrograms } from './programs.ts'

/** Where it is, and its own ports on 127.0.0.1. */
export interface RabbitmqPlace extends ServerPlace {
  /** Between Erlang's nodes, and its register of them: there is one, and it has to have them. */
  readonly dist: number
  readonly epmd: number
}

/** The register, which has to be there first, and the broker. */
export function rabbitmqPrograms(
  { rabbitmq, epmd }: ServerPrograms,
  folder: string,
  { host, port, dist, epmd: register, password }: RabbitmqPlace,
): NativeProgram[] {
  const user = serverUser(['rabbitmq', 'nobody'])
  ownFolder(folder, user)
  const write = (name: string, text: string): string => {
    const file = join(folder, name)
    writeFileSync(file, text, { mode: 0o600 })
    if (user) chownSync(file, user.uid, user.gid)
    return file
  }
  const settings = [
    `listeners.tcp.1 = ${host}:${port}`,
    'default_user = spoor',
    `default_pass = ${password}`,
    'disk_free_limit.absolute = 50MB',
    'log.console = true',
    'log.file = false',
  ]
  const erlang = { ERL_EPMD_PORT: String(register), ERL_EPMD_ADDRESS: '127.0.0.1', HOME: folder }
  const env = {
    ...erlang,
    RABBITMQ_NODENAME: 'spoor@localhost',
    RABBITMQ_DIST_PORT: String(dist),
    // Nothing of /etc/rabbitmq.
    RABBITMQ_CONF_ENV_FILE: write('rabbitmq-env.conf', ''),
    RABBITMQ_CONFIG_FILE: write('rabbitmq.conf', `${settings.join('\n')}\n`),
    RABBITMQ_ADVANCED_CONFIG_FILE: write('advanced.config', '[].\n'),
    RABBITMQ_ENABLED_PLUGINS_FILE: write('enabled_plugins', '[].\n'),
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    // No waiting that burns CPU: all share one machine.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      '-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none',
    // The script becomes the server, so that signals reach it, and it reads no input.
    RUNNING_UNDER_SYSTEMD: 'true',
  }
  const shared = { cwd: folder, user }
  return [
    { ...shared, name: 'epmd', command: epmd, args: [], env: erlang, stopSignal: 'SIGKILL' },
    { ...shared, name: 'RabbitMQ', command: rabbitmq, args: [], env, stopSignal: 'SIGTERM' },
  ]
}
