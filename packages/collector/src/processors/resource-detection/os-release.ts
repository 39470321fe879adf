/** What files of a Linux system say of it and of its processor; nothing of what is not there. */
import { readFileSync } from 'node:fs'

/** The name of the system and its version, as packages know them: `debian` and `12.11`. Undefined where there is none. */
export interface OsRelease {
  readonly id: string | undefined
  readonly version: string | undefined
  readonly build: string | undefined
  /** For people: `Debian GNU/Linux 12 (bookworm)`. */
  readonly title: string | undefined
}

/** Of `/etc/os-release`. Debian's own file has its version with the point release. */
export function readOsRelease(): OsRelease {
  const values = parseOsRelease(textOf('/etc/os-release') ?? textOf('/usr/lib/os-release') ?? '')
  const id = values.get('ID')
  const debian = id === 'debian' ? textOf('/etc/debian_version')?.trim() : undefined
  return {
    id,
    version: debian || values.get('VERSION_ID'),
    build: values.get('BUILD_ID'),
    title: values.get('PRETTY_NAME') ?? values.get('NAME'),
  }
}

/** `KEY=value` in lines, a value perhaps in quotes. What is empty is not there. */
export function parseOsRelease(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, key, quoted = ''] = /^\s*([A-Za-z0-9_]+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    const value = quoted.replace(/^(["'])(.*)\1$/, '$2').replaceAll(/\\(.)/g, '$1')
    if (key !== undefined && value !== '') values.set(key, value)
  }
  return values
}

/** What is known of the first processor. */
export interface Cpu {
  readonly vendor: string | undefined
  readonly family: string | undefined
  readonly model: string | undefined
  readonly name: string | undefined
  readonly stepping: string | undefined
  /** Kibibytes. */
  readonly cache: string | undefined
}

/** Of `/proc/cpuinfo`. */
export const readCpu = (): Cpu => parseCpu(textOf('/proc/cpuinfo') ?? '')

export function parseCpu(text: string): Cpu {
  const [first = ''] = text.split('\n\n')
  const values = new Map(first.split('\n').map((line) => [line.split(':', 1)[0]!.trim(), /:\s*(.*)/.exec(line)?.[1]]))
  const of = (...names: readonly string[]): string | undefined =>
    names.map((name) => values.get(name)).find((value) => value !== undefined && value !== '')
  return {
    vendor: of('vendor_id'),
    family: of('cpu family'),
    model: of('model', 'CPU part'),
    name: of('model name'),
    stepping: of('stepping', 'CPU revision'),
    cache: of('cache size')?.replace(/ KB$/, ''),
  }
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
