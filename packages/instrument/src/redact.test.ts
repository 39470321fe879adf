import { expect, test } from 'vitest'
import { redactUrls } from './redact.ts'

test.each([
  ['url.full', 'https://h/a?x=1&token=abc&y=2#top', 'https://h/a?x=1&token=REDACTED&y=2#top'],
  ['url.full', 'https://user:secret@h/a', 'https://user:REDACTED@h/a'],
  ['url.query', 'api_key=abc&page=2', 'api_key=REDACTED&page=2'],
  ['url.query', '?X-Amz-Signature=abc&X-Amz-Date=1', '?X-Amz-Signature=REDACTED&X-Amz-Date=1'],
  ['url.query', 'AWSAccessKeyId=abc&Expires=1', 'AWSAccessKeyId=REDACTED&Expires=1'],
  ['http.target', '/a?PASSWORD=abc', '/a?PASSWORD=REDACTED'],
  [
    'http.url',
    'http://h/?access_token=a&refreshToken=b&client_secret=c',
    'http://h/?access_token=REDACTED&refreshToken=REDACTED&client_secret=REDACTED',
  ],
  ['url.query', 'monkey=1&design=2&keyboard=3&assignment=4', 'monkey=1&design=2&keyboard=3&assignment=4'],
  ['url.full', 'https://h/mail?to=a@b.c', 'https://h/mail?to=a@b.c'],
  ['url.full', 'https://h/key=1/a', 'https://h/key=1/a'],
  ['other', '?token=abc', '?token=abc'],
])('%s: %s', (name, value, redacted) => {
  const attributes = { [name]: value }
  redactUrls(attributes)
  expect(attributes).toEqual({ [name]: redacted })
})
