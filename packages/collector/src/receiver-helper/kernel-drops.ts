import { readFileSync } from 'node:fs'

/**
 * Datagrams for a port of this machine that the kernel has thrown away since it was opened, as nobody read them in time. Source: proc(5), `/proc/net/udp`;
 * 0 where there is no such file.
 */
export function kernelDrops(port: number, family: 4 | 6): number {
  let text: string
  try {
    text = readFileSync(family === 4 ? '/proc/net/udp' : '/proc/net/udp6', 'latin1')
  } catch {
    return 0
  }
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  let drops = 0
  for (const line of text.split('\n')) {
    const [, address, ...rest] = line.trim().split(/\s+/)
    if (address?.endsWith(end)) drops += Number(rest.at(-1))
  }
  return drops
}
