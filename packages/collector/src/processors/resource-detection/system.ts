/** What the machine says of itself. */
import { readFileSync } from 'node:fs'
import dns from 'node:dns/promises'
import os from 'node:os'
import type { KeyValue } from '@spoor/otlp'
import { aborted } from '../../component/index.ts'
import { text } from '../../processor-helper/index.ts'
import type { ResourceDetectionConfig } from './config.ts'
import { readCpu, readOsRelease } from './os-release.ts'

type SystemConfig = ResourceDetectionConfig['system']
type Source = SystemConfig['hostname_sources'][number]

const TYPES: Readonly<Record<string, string>> = { win32: 'windows', sunos: 'solaris' }
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: 'x86', arm: 'arm32' }
const MACHINE_IDS = ['/etc/machine-id', '/var/lib/dbus/machine-id']

/** `signal`: aborts when the machine must not be asked any longer; a source that has not answered by then has none. */
export async function detectSystem(config: SystemConfig, signal: AbortSignal): Promise<KeyValue[]> {
  const { id, version, build, title } = readOsRelease()
  const cpu = readCpu()
  const uname = `${os.type()} ${os.hostname()} ${os.release()} ${os.version()} ${os.machine()}`
  const found: Record<keyof SystemConfig['resource_attributes'], Found> = {
    'host.name': await hostName(config.hostname_sources, signal),
    'os.type': TYPES[os.platform()] ?? os.platform(),
    'os.version': version ?? os.release(),
    'host.id': machineId(),
    'host.arch': ARCHITECTURES[os.arch()] ?? os.arch(),
    'host.ip': addresses().map(({ address }) => address),
    'host.mac': [...new Set(addresses().map(({ mac }) => mac.toUpperCase().replaceAll(':', '-')))],
    'host.interface': interfaces(),
    'os.description': title === undefined ? uname : `${title} (${uname})`,
    'os.name': id ?? os.platform(),
    'os.build.id': build ?? os.release(),
    'host.cpu.vendor.id': cpu.vendor,
    'host.cpu.family': cpu.family,
    'host.cpu.model.id': cpu.model,
    'host.cpu.model.name': cpu.name,
    'host.cpu.stepping': cpu.stepping,
    'host.cpu.cache.l2.size': /^\d+$/.test(cpu.cache ?? '') ? BigInt(cpu.cache!) : undefined,
  }
  return Object.entries(found).flatMap(([key, value]): KeyValue[] => {
    if (value === undefined || !config.resource_attributes[key as keyof typeof found].enabled) return []
    if (typeof value === 'bigint') return [{ key, value: { type: 'int', value } }]
    return [{ key, value: typeof value === 'string' ? text(value) : { type: 'array', value: value.map(text) } }]
  })
}

type Found = string | bigint | readonly string[] | undefined

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

/** The system has an order of them, in which Linux tells them; those without an address are among them. */
function interfaces(): string[] {
  try {
    return readFileSync('/proc/net/dev', 'utf8')
      .split('\n')
      .flatMap((line) => /^\s*([^\s:]+):/.exec(line)?.[1] ?? [])
  } catch {
    return Object.keys(os.networkInterfaces())
  }
}
