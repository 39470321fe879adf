/** What the machine says of itself. */
import { readFileSync } from 'node:fs'
import dns from 'node:dns/promises'
import os from 'node:os'
import type { KeyValue } from '@spoor/otlp'
import { aborted } from '../../component/index.ts'
import { text } from '../../processor-helper/index.ts'
import type { ResourceDetectionConfig } from './config.ts'

type SystemConfig = ResourceDetectionConfig['system']
type Source = SystemConfig['hostname_sources'][number]

const TYPES: Readonly<Record<string, string>> = { win32: 'windows', sunos: 'solaris' }
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: 'x86', arm: 'arm32' }
const MACHINE_IDS = ['/etc/machine-id', '/var/lib/dbus/machine-id']

/** `signal`: aborts when the machine must not be asked any longer; a source that has not answered by then has none. */
export async function detectSystem(config: SystemConfig, signal: AbortSignal): Promise<KeyValue[]> {
  const found: Record<keyof SystemConfig['resource_attributes'], string | readonly string[] | undefined> = {
    'host.name': await hostName(config.hostname_sources, signal),
    'host.id': machineId(),
    'host.arch': ARCHITECTURES[os.arch()] ?? os.arch(),
    'host.ip': addresses().map(({ address }) => address),
    'host.mac': [...new Set(addresses().map(({ mac }) => mac.toUpperCase().replaceAll(':', '-')))],
    'os.type': TYPES[os.platform()] ?? os.platform(),
    'os.description': `${os.type()} ${os.hostname()} ${os.release()} ${os.version()} ${os.machine()}`,
  }
  return Object.entries(found).flatMap(([key, value]): KeyValue[] => {
    if (value === undefined || !config.resource_attributes[key as keyof typeof found].enabled) return []
    return [{ key, value: typeof value === 'string' ? text(value) : { type: 'array', value: value.map(text) } }]
  })
}

async function hostName(sources: readonly Source[], signal: AbortSignal): Promise<string | undefined> {
  for (const source of sources) {
    const name = await Promise.race([SOURCES[source]().catch(() => undefined), aborted(signal).then(() => undefined)])
    if (name) return name
  }
  return undefined
}

const SOURCES: Readonly<Record<Source, () => Promise<string | undefined>>> = {
  os: () => Promise.resolve(os.hostname()),
  async dns() {
    const { address } = await dns.lookup(os.hostname())
    const { hostname } = await dns.lookupService(address, 0)
    return hostname === address || hostname === 'localhost' ? undefined : hostname
  },
  cname: async () => (await dns.resolveCname(os.hostname()))[0],
  async lookup() {
    const { address } = await dns.lookup(os.hostname())
    return (await dns.reverse(address))[0]
  },
}

function machineId(): string | undefined {
  for (const file of MACHINE_IDS) {
    try {
      const id = readFileSync(file, 'utf8').trim()
      if (id !== '') return id
    } catch {
      // The other one may be there.
    }
  }
  return undefined
}

function addresses(): os.NetworkInterfaceInfo[] {
  return Object.values(os.networkInterfaces()).flatMap((all) => (all ?? []).filter(({ internal }) => !internal))
}
