import { spawnSync } from 'node:child_process'

/** Runs `ip` of iproute2 and answers with what it printed. @throws With its words when it fails. */
export function ip(...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' })
  if (status === 0) return stdout.trim()
  throw new Error(`ip ${args.join(' ')}: ${error?.message ?? stderr.trim()}`)
}

/** Why there can be no namespaces here; undefined where there can. */
export function whyNoNamespaces(platform = process.platform, user = process.getuid?.()): string | undefined {
  const without = 'Without --netns everything is on 127.0.0.1'
  if (platform !== 'linux') return `--netns: network namespaces are Linux's, and this is ${platform}. ${without}.`
  if (user !== 0) return `--netns: making network namespaces needs root: sudo npm start -- --netns. ${without}.`
  const { error } = spawnSync('ip', ['-V'])
  if (error) return `--netns: needs the program ip (Debian: apt-get install iproute2). ${without}.`
  return undefined
}
