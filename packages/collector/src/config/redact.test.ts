import { expect, test } from 'vitest'
import { withoutSecrets } from './redact.ts'

test('what is secret is left out, wherever it is, and all else stays', () => {
  const config = {
    exporters: {
      otlp_http: {
        endpoint: 'https://user:hush@backend.example:4318/v1?a=b@c',
        headers: { authorization: 'hush', 'x-tenant': 'hush' },
        tls: { key_pem: 'hush', key_file: '/etc/key.pem' },
      },
    },
    processors: { redaction: { hmac_key: 'hush', allowed_keys: ['a'] } },
    extensions: {
      basicauth: { htpasswd: { inline: 'hush' }, client_auth: { username: 'me', password: 'hush' } },
      bearertokenauth: { tokens: ['hush', 'hush'], token: '' },
    },
    service: { pipelines: { traces: { receivers: ['otlp'] } }, telemetry: { headers: [{ name: 'a', value: 'hush' }] } },
  }
  const shown = withoutSecrets(config)
  expect(JSON.stringify(shown)).not.toContain('hush')
  expect(shown).toMatchObject({
    exporters: {
      otlp_http: {
        endpoint: 'https://[REDACTED]@backend.example:4318/v1?a=b@c',
        headers: { authorization: '[REDACTED]' },
        tls: { key_file: '/etc/key.pem' },
      },
    },
    processors: { redaction: { allowed_keys: ['a'] } },
    extensions: {
      basicauth: { client_auth: { username: 'me' } },
      bearertokenauth: { tokens: ['[REDACTED]', '[REDACTED]'], token: '' },
    },
    service: { pipelines: config.service.pipelines },
  })
})
