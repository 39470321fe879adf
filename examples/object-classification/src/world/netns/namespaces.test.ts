import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../../testkit/free-port.ts'
import { whyNoNamespaces } from './ip.ts'
import { bridgeName, clearLeftovers, ETC, namespaceName } from './leftovers.ts'
import { openNamespaces } from './namespaces.ts'
import type { Namespaces } from './namespaces.ts'

const canMake = whyNoNamespaces() === undefined && spawnSync('unshare', ['--net', 'true']).status === 0

let open: Namespaces | undefined
const children: ChildProcess[] = []
afterEach(async () => {
  await open?.close()
  open = undefined
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** A program in the namespace, whose first line is waited for where it writes one. */
async function inside(namespace: string, code: string): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return { child, line }
}

const server = (port: number, host: string): string =>
  `require('http').createServer((q, r) => r.end('from ' + q.socket.remoteAddress)).listen(${port}, '${host}', () => console.log('listens'))`

describe('where there can be none', () => {
  it('says why, and the way out', () => {
    expect(whyNoNamespaces('darwin', 0)).toMatch(
      /^--netns: network namespaces are Linux's, and this is darwin\. Without/,
    )
    expect(whyNoNamespaces('linux', 1000)).toMatch(/needs root: sudo npm start -- --netns\. Without/)
  })
})

describe.skipIf(!canMake)('with namespaces', () => {
  it('programs call each other by name, from addresses of their own, and are found at the ports of 127.0.0.1', async () => {
    const port = await freePort()
    open = await openNamespaces([
      { name: 'ensemble', ports: [port] },
      { name: 'client', ports: [] },
    ])
    const { addresses, nameOf, addressOf, listen } = open
    await inside(open.namespaceOf('ensemble')!, server(port, open.inside))
    expect(nameOf(port)).toBe('ensemble')
    const url = `http://${nameOf(port)}:${port}`
    const { line } = await inside(
      open.namespaceOf('client')!,
      `fetch('${url}').then(r => r.text()).then(t => console.log(t), e => console.log(e.cause.message))`,
    )
    expect(line).toBe(`from ${addresses.get('client')}`)
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe(`from ${listen}`)
    expect(await (await fetch(`http://${addressOf(port)}:${port}`)).text()).toBe(`from ${listen}`)
    // A port that no program has is this process's own: a relay on a link.
    expect([nameOf(port + 1), addressOf(port + 1)]).toEqual(['world', listen])
  })

  it('one does not see the loopback of another, nor this machine’s', async () => {
    const port = await freePort()
    open = await openNamespaces([
      { name: 'a', ports: [] },
      { name: 'b', ports: [] },
    ])
    await inside(open.namespaceOf('a')!, server(port, '127.0.0.1'))
    const ask = `fetch('http://127.0.0.1:${port}').then(() => console.log('reached'), e => console.log(e.cause.code))`
    expect((await inside(open.namespaceOf('b')!, ask)).line).toBe('ECONNREFUSED')
    await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow()
  })

  it('nothing is left behind', async () => {
    const namespaces = await openNamespaces([{ name: 'a', ports: [] }])
    const name = namespaces.namespaceOf('a')!
    expect(existsSync(`/run/netns/${name}`)).toBe(true)
    await namespaces.close()
    expect(left(process.pid, 'a')).toEqual([false, false, false])
  })

  it('what a killed world has left is cleared by the next, with the programs in it, and told', async () => {
    const code = `
      const { openNamespaces } = await import(${JSON.stringify(new URL('./namespaces.ts', import.meta.url).href)})
      await openNamespaces([{ name: 'a', ports: [] }, { name: 'b', ports: [] }])
      console.log('open')
      setInterval(() => {}, 1000)`
    const world = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(world)
    await once(createInterface({ input: world.stdout }), 'line')
    expect(await clearLeftovers()).toEqual([])
    const owner = world.pid!
    const { child } = await inside(
      namespaceName(owner, 'b'),
      `process.on('SIGTERM', () => process.exit(7)); console.log('here'); setInterval(() => {}, 1000)`,
    )
    const ended = once(child, 'exit')
    world.kill('SIGKILL')
    await once(world, 'exit')
    expect(left(owner, 'a')).toEqual([true, true, true])
    expect(await clearLeftovers()).toContain(
      `process ${owner} was killed and has left 2 network namespaces: removed, with 1 programs in them`,
    )
    // In order: told to end, and not killed.
    expect(await ended).toEqual([7, null])
    expect(left(owner, 'a')).toEqual([false, false, false])
    expect(left(owner, 'b')).toEqual([false, false, false])
  })
})

/** Namespace, its folder in `/etc`, and the bridge. */
function left(owner: number, program: string): boolean[] {
  const name = namespaceName(owner, program)
  const bridges = readdirSync('/sys/class/net')
  return [existsSync(`/run/netns/${name}`), existsSync(`${ETC}/${name}`), bridges.includes(bridgeName(owner))]
}
