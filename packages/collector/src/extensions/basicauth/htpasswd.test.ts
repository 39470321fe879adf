import { expect, onTestFinished, test } from 'vitest'
import { hashSync } from 'bcryptjs'
import { parseHtpasswd } from './htpasswd.ts'
import { createVerifier, type Verifier } from './verifier.ts'

function verifierOf(text: string): Verifier {
  const verifier = createVerifier()
  onTestFinished(async () => verifier.close())
  verifier.use(parseHtpasswd(text))
  return verifier
}

// Made with openssl passwd, sha1sum, and (bcrypt) from the tests of crypt_blowfish.
test.each([
  ['bcrypt, as $2a', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'U*U'],
  ['bcrypt, as $2y', '$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'U*U'],
  ['bcrypt, as $2b', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'U*U'],
  ['apr1', '$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/', 'myPassword'],
  ['apr1, longer than a block', '$apr1$abc$GZI.1xSHOJZpCWumHfnME/', 'päss:word with more than sixteen bytes in it'],
  ['apr1, of nothing', '$apr1$x$tMwYqBfQwi3FYAr0aJc8M/', ''],
  ['crypt with MD5', '$1$12345678$hj0uLpdidjPhbMMZeno8X/', 'secret'],
  ['SHA1', '{SHA}0DPiKuNIrrVmD8IUCuw1hQxNqZc=', 'admin'],
  ['salted SHA1', '{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0', 'secret'],
  ['plain', 'secret', 'secret'],
])('%s', async (_, hash, password) => {
  const verifier = verifierOf(`# a comment\n\nada:${hash}\n`)
  expect(await verifier.verify('ada', password)).toBe(true)
  expect(await verifier.verify('ada', `${password}x`)).toBe(false)
  expect(await verifier.verify('ada', hash)).toBe(hash === password)
  expect(await verifier.verify('bob', password)).toBe(false)
})

test('what came of a slow one is kept, for right and wrong passwords, until the users change', async () => {
  const verifier = verifierOf(`ada:${hashSync('right', 4)}`)
  const first = verifier.verify('ada', 'right')
  expect(first).toBeInstanceOf(Promise)
  expect(verifier.verify('ada', 'right')).toBe(first)
  expect([await first, await verifier.verify('ada', 'wrong')]).toEqual([true, false])
  expect([verifier.verify('ada', 'right'), verifier.verify('ada', 'wrong')]).toEqual([true, false])
  verifier.use(parseHtpasswd(`ada:${hashSync('wrong', 4)}`))
  expect([await verifier.verify('ada', 'right'), await verifier.verify('ada', 'wrong')]).toEqual([false, true])
})

test('only so many passwords wait to be compared', async () => {
  const verifier = verifierOf(`ada:${hashSync('right', 4)}`)
  const answers = await Promise.allSettled(
    Array.from({ length: 80 }, async (_, index) => verifier.verify('ada', `guess ${index}`)),
  )
  const refused = answers.filter(({ status }) => status === 'rejected')
  expect(refused).toHaveLength(80 - 1 - 64)
  expect(refused[0]).toMatchObject({ reason: { code: 'overloaded', retryable: true } })
  // What was refused is not kept as wrong.
  expect(await verifier.verify('ada', 'guess 79')).toBe(false)
})

test('the main thread does other things meanwhile', async () => {
  const verifier = verifierOf(`ada:${hashSync('right', 11)}`)
  let turns = 0
  const turn = (): void => {
    turns++
    next = setImmediate(turn)
  }
  let next = setImmediate(turn)
  await verifier.verify('ada', 'right')
  clearImmediate(next)
  expect(turns).toBeGreaterThan(20)
})

test.each([
  ['ada', 'line 1: not user:hash'],
  [':secret', 'line 1: not user:hash'],
  ['a:b\nada:$2y$05$short', 'line 2: not a valid hash of bcrypt'],
  [`ada:$2y$31$${'C'.repeat(53)}`, 'cost of 31 takes too long'],
  ['ada:$apr1$abc$short', 'not a valid hash of MD5'],
  ['ada:{SHA}AAAA', 'not a valid hash of SHA1'],
  ['ada:$6$salt$hash', 'crypt with SHA-2 is not supported; make it anew with htpasswd -B'],
])('%j cannot be used', (text, message) => {
  expect(() => parseHtpasswd(text)).toThrow(message)
})
