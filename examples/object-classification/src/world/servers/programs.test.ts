import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findServerPrograms } from './programs.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'servers-'))
  const files = ['pg/9/bin', 'pg/15/bin'].flatMap((folder) => [`${folder}/postgres`, `${folder}/initdb`])
  for (const file of [...files, 'rabbit/rabbitmq-server', 'bin/epmd']) {
    await mkdir(dirname(join(root, file)), { recursive: true })
    await writeFile(join(root, file), '')
  }
})
afterAll(() => rm(root, { recursive: true }))

describe('findServerPrograms', () => {
  it("finds Debian's, the newest PostgreSQL, and RabbitMQ's own script", () => {
    const roots = { postgres: join(root, 'pg'), rabbitmq: join(root, 'rabbit'), path: join(root, 'bin') }
    expect(findServerPrograms(roots)).toEqual({
      rabbitmq: join(root, 'rabbit/rabbitmq-server'),
      epmd: join(root, 'bin/epmd'),
      postgres: join(root, 'pg/15/bin/postgres'),
      initdb: join(root, 'pg/15/bin/initdb'),
    })
  })

  it('says what is missing, and what installs it', () => {
    const nowhere = join(root, 'nowhere')
    const install = /apt-get install --no-install-recommends rabbitmq-server postgresql/
    const find = (postgres: string, rabbitmq: string) => () =>
      findServerPrograms({ postgres, rabbitmq, path: join(root, 'bin') })
    expect(find(nowhere, nowhere)).toThrow('there is no RabbitMQ and no PostgreSQL')
    expect(find(nowhere, nowhere)).toThrow(install)
    expect(find(nowhere, join(root, 'rabbit'))).toThrow('there is no PostgreSQL')
    expect(find(join(root, 'pg'), nowhere)).toThrow('there is no RabbitMQ on')
  })
})
