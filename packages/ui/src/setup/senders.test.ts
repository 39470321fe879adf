import { describe, expect, it } from 'vitest'
import { addressesOf } from './addresses.ts'
import { byHand, environment, senders } from './senders.ts'

const both = addressesOf({ otlpHttp: 'http://127.0.0.1:4318', otlpGrpc: '127.0.0.1:4317' }, 'localhost')

describe('addressesOf', () => {
  it('is how a sender reaches it, by the host of the page where it listens everywhere', () => {
    expect(both).toEqual({ http: 'http://127.0.0.1:4318', grpc: 'http://127.0.0.1:4317', grpcHost: '127.0.0.1:4317' })
    expect(addressesOf({ otlpHttp: 'http://0.0.0.0:4318', otlpGrpc: '[::]:4317' }, 'tracing.example')).toEqual({
      http: 'http://tracing.example:4318',
      grpc: 'http://tracing.example:4317',
      grpcHost: 'tracing.example:4317',
    })
    expect(addressesOf({ otlpHttp: 'https://127.0.0.1:4318' }, 'x')).toEqual({ http: 'https://127.0.0.1:4318' })
    expect(addressesOf({}, 'localhost')).toEqual({})
  })
})

describe('lines to copy', () => {
  it('are of this address, for every kind of sender', () => {
    const own = addressesOf({ otlpHttp: 'http://10.1.2.3:14318', otlpGrpc: '10.1.2.3:14317' }, 'localhost')
    for (const { name, steps } of senders) {
      const text = steps(own)
        .map((step) => step.text)
        .join('\n')
      expect([name, text]).toEqual([name, expect.stringMatching(/10\.1\.2\.3:1431[78]/)])
      expect([name, text]).toEqual([name, expect.not.stringMatching(/127\.0\.0\.1|localhost|undefined/)])
    }
    expect(byHand(own)).toContain('curl http://10.1.2.3:14318/v1/traces')
  })

  it('name the protocol of the port that there is', () => {
    expect(environment(both)).toContain(
      'ENDPOINT=http://127.0.0.1:4318\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf',
    )
    const grpc = addressesOf({ otlpGrpc: '127.0.0.1:4317' }, 'localhost')
    expect(environment(grpc)).toContain('ENDPOINT=http://127.0.0.1:4317\nexport OTEL_EXPORTER_OTLP_PROTOCOL=grpc')
    const collector = senders.find(({ name }) => name === 'collector')!
    expect(collector.steps({ http: 'http://127.0.0.1:4318' })[0]!.text).toContain('otlphttp/spoor')
  })
})
