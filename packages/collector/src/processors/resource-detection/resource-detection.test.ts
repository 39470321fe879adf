import os from 'node:os'
import { createBatch, decodeTraces, type KeyValue } from '@spoor/otlp'
import { describe, expect, it, onTestFinished } from 'vitest'
import { EMPTY_CONTEXT, type Host } from '../../component/index.ts'
import { createSink, createTestContext, tracesRequest } from '../../testkit/index.ts'
import { resourceDetectionConfig } from './config.ts'
import { detectEnv } from './env.ts'
import { parseCpu, parseOsRelease } from './os-release.ts'
import { createResourceDetection } from './resource-detection.ts'

const request = tracesRequest({ spans: 6, services: 3 })

/** The attributes of the first resource, in text, behind the processor. */
async function detected(input: object, env: Record<string, string> = {}): Promise<Record<string, unknown>> {
  const sink = createSink()
  const config = resourceDetectionConfig.parse(input)
  const processor = createResourceDetection(createTestContext('resource_detection'), config, sink, 'traces', env)
  onTestFinished(() => processor.shutdown(AbortSignal.timeout(1000)))
  await processor.start({} as Host)
  await processor.consume(createBatch('traces', [{ bytes: request, items: 6 }]), EMPTY_CONTEXT)
  return plain(decodeTraces(sink.bytes()).resourceSpans[0]!.resource.attributes)
}

function plain(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, 'value' in value ? value.value : undefined]))
}

const before = plain(decodeTraces(request).resourceSpans[0]!.resource.attributes)

describe('the resource_detection processor', () => {
  it('adds what the environment says, and replaces what is there', async () => {
    const env = { OTEL_RESOURCE_ATTRIBUTES: 'service.name=shop, k8s.pod.name = a%2Cb ,empty=' }
    expect(await detected({}, env)).toEqual({ ...before, 'service.name': 'shop', 'k8s.pod.name': 'a,b', empty: '' })
    expect(await detected({ override: false }, env)).toEqual({ ...before, 'k8s.pod.name': 'a,b', empty: '' })
    expect(await detected({ env: { allowlist: ['empty'] } }, env)).toEqual({ ...before, empty: '' })
    expect(await detected({}, {})).toEqual(before)
  })

  it('asks the machine, and takes the first that tells an attribute', async () => {
    const system = { hostname_sources: ['os'], resource_attributes: { 'host.arch': { enabled: true } } }
    const found = await detected({ detectors: ['system'], system })
    expect(found).toMatchObject({
      'host.name': os.hostname(),
      'os.type': 'linux',
      'host.arch': expect.any(String) as string,
    })
    const env = { OTEL_RESOURCE_ATTRIBUTES: 'host.name=mine' }
    expect(await detected({ detectors: ['env', 'system'], system }, env)).toMatchObject({ 'host.name': 'mine' })
    expect(await detected({ detectors: 'system, env', system }, env)).toMatchObject({ 'host.name': os.hostname() })
  })

  it('goes on to the next source of a name where one has none', async () => {
    const found = await detected({
      detectors: ['system'],
      timeout: '1ms',
      system: { hostname_sources: ['cname', 'os'] },
    })
    expect(found['host.name']).toBeTruthy()
    const none = { 'host.name': { enabled: false }, 'os.type': { enabled: false } }
    expect(await detected({ detectors: ['system'], system: { resource_attributes: none } })).toEqual(before)
  })

  it('says what is wrong with the variable, and with detectors that are not here', () => {
    expect(() => detectEnv({ OTEL_RESOURCE_ATTRIBUTES: 'a=1,b' }, undefined)).toThrow(
      'OTEL_RESOURCE_ATTRIBUTES: "b": not key=value; write a=1,b=2, with %2C for a comma',
    )
    expect(() => detectEnv({ OTEL_RESOURCE_ATTRIBUTES: 'a=%zz' }, undefined)).toThrow('not key=value')
    const parsed = resourceDetectionConfig.safeParse({ detectors: ['env', 'ec2'] })
    expect(parsed.error?.issues[0]).toMatchObject({
      path: ['detectors', 1],
      message: expect.stringContaining('there is no detector "ec2" here; known: env, system') as string,
    })
  })

  it('reads what the system says of itself', () => {
    const text =
      '# a comment\nID=debian\nPRETTY_NAME="Debian \\"12\\" (bookworm)"\nVERSION_ID=\'12\'\nBUILD_ID=\nno pair\n'
    expect([...parseOsRelease(text)]).toEqual([
      ['ID', 'debian'],
      ['PRETTY_NAME', 'Debian "12" (bookworm)'],
      ['VERSION_ID', '12'],
    ])
  })

  it('reads what is known of the first processor', () => {
    const first =
      'vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nstepping\t: 1\ncache size\t: 1024 KB'
    const amd = { vendor: 'AuthenticAMD', family: '25', model: '17', name: 'AMD EPYC', stepping: '1', cache: '1024' }
    expect(parseCpu(`${first}\n\n${first.replaceAll('25', '26')}\n`)).toEqual(amd)
    expect(parseCpu('processor\t: 0\nCPU part\t: 0xd0c\nCPU revision\t: 1\n')).toMatchObject({
      vendor: undefined,
      model: '0xd0c',
      stepping: '1',
    })
  })
})
