import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { takenPorts } from './ports.ts'

describe('takenPorts', () => {
  it('names who has a port that is taken, and no port that is free', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const needed = [{ use: 'ensemble', port, flag: '--ensemble-port' }]
    const [taken] = await takenPorts(needed)
    expect(taken).toMatchObject({ use: 'ensemble', port, flag: '--ensemble-port', holder: { pid: process.pid } })
    expect(taken?.holder?.command).toContain('node')
    server.close()
    await once(server, 'close')
    expect(await takenPorts(needed)).toEqual([])
  })
})
