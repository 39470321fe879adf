import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { shownUrl } from './redact.ts'

// The list of secret words stands twice, as this package and @spoor/instrument share no code: what one of them hides, the other does.

const twin = new URL('../../instrument/src/redact.ts', import.meta.url)
const { redactUrls } = (await import(twin.href)) as { redactUrls: (attributes: Record<string, string>) => void }

/** Whatever is a word in either source, in the forms in which names of parameters have it. */
function names(): string[] {
  const sources = [twin, new URL('redact.ts', import.meta.url)].map((url) => readFileSync(url, 'utf8'))
  const words = new Set(sources.flatMap((text) => text.toLowerCase().match(/[a-z]{2,}/g)!))
  for (const word of ['api_key', 'api-key', 'credentials', 'page', 'id']) words.add(word)
  return [...words].flatMap((word) => [
    word,
    `${word}s`,
    `x_${word}`,
    `x-${word}`,
    `my${word}`,
    `${word}_id`,
    word.toUpperCase(),
    `a.${word}`,
    `a[${word}]`,
  ])
}

test('hides the values of the same parameters as @spoor/instrument', () => {
  const hidden: string[] = []
  for (const name of names()) {
    const url = new URL(`https://h/a?b=1&${name}=value&c=2`)
    const attributes = { 'url.full': url.href }
    redactUrls(attributes)
    expect([name, shownUrl(url)]).toEqual([name, attributes['url.full']])
    if (shownUrl(url).includes('REDACTED')) hidden.push(name)
  }
  expect(hidden).toEqual(expect.arrayContaining(['token', 'x-signature', 'PASSWORD', 'api_key', 'mytoken', 'sig']))
  expect(hidden).not.toContain('page')
  expect(hidden).not.toContain('mykey')
})
