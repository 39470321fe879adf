import grpc, { type ServiceError } from '@grpc/grpc-js'
import { loadFileDescriptorSetFromBuffer, type PackageDefinition } from '@grpc/proto-loader'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestOf, spanIdOf, startTestSpoor, string, traceIdOf, type TestSpoor } from '../../testkit.ts'
import { createCodec } from './codec.ts'

/*
 * Asked by another implementation of gRPC and of protobuf, which knows of the services only what they tell by reflection.
 */

let spoor: TestSpoor
let client: grpc.Client
let definition: PackageDefinition
const START = 1_790_000_000_123_456_000n
const [UNSPECIFIED, INTERNAL, SERVER] = [0, 1, 2]
const [ONE, TWO] = [traceIdOf(0xabc), 'f'.repeat(32)]

beforeAll(async () => {
  spoor = await startTestSpoor({ queryGrpcPort: 0 })
  const times = { startTimeUnixNano: START, endTimeUnixNano: START + 2_500_000_000n }
  const root = {
    ...times,
    traceId: ONE,
    spanId: spanIdOf(1),
    name: 'pay',
    kind: SERVER,
    attributes: [string('order', '7')],
  }
  const spans = Array.from({ length: 250 }, (_, n) => ({
    ...times,
    traceId: ONE,
    spanId: spanIdOf(n + 2),
    parentSpanId: spanIdOf(1),
    name: 'step',
    kind: n === 0 ? UNSPECIFIED : INTERNAL,
  }))
  await spoor.post(requestOf('shop', [root]))
  await spoor.post(requestOf('bank', spans))
  await spoor.post(requestOf('shop', [{ ...root, traceId: TWO, name: 'ask', attributes: [] }]))
  client = new grpc.Client(spoor.urls.queryGrpc!, grpc.credentials.createInsecure())
  definition = await reflected(['jaeger.api_v2.QueryService', 'jaeger.api_v3.QueryService'])
})

afterAll(async () => {
  client.close()
  await spoor.remove()
})

/** The definitions of services, as reflection has them. */
async function reflected(services: readonly string[]): Promise<PackageDefinition> {
  const own = createCodec([
    {
      name: '',
      package: 'r',
      messages: [
        { name: 'Request', fields: [{ name: 'symbol', number: 4, type: 'string' }] },
        { name: 'Response', fields: [{ name: 'files', number: 4, type: 'message', typeName: 'r.Files' }] },
        { name: 'Files', fields: [{ name: 'file', number: 1, type: 'bytes', repeated: true }] },
      ],
    },
  ])
  const call = client.makeBidiStreamRequest<object, object>(
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    (value) => own.encode('r.Request', value as Record<string, string>),
    (bytes) => own.decode('r.Response', bytes),
  )
  for (const symbol of services) call.write({ symbol })
  call.end()
  const files = new Map<string, Buffer>()
  for await (const { files: found } of call as AsyncIterable<{ files: { file: Buffer[] } }>)
    for (const file of found.file) files.set(file.toString('base64'), file)
  const set = createCodec([
    {
      name: '',
      package: 'r',
      messages: [{ name: 'Set', fields: [{ name: 'file', number: 1, type: 'bytes', repeated: true }] }],
    },
  ])
  return loadFileDescriptorSetFromBuffer(set.encode('r.Set', { file: [...files.values()] }), {
    keepCase: true,
    longs: String,
    enums: String,
    bytes: String,
    defaults: true,
  })
}

/** Bytes as the other implementation writes them, which takes base64. */
const bytesOf = (hex: string): string => Buffer.from(hex, 'hex').toString('base64')

// oxlint-disable-next-line typescript/no-explicit-any -- what reflection says is known when it runs only
type Message = Record<string, any>

async function ask(method: string, request: object): Promise<Message[]> {
  const [service, name] = method.split('/') as [string, string]
  const { requestSerialize, responseDeserialize } = (definition[service] as grpc.ServiceDefinition)[name]!
  const call = client.makeServerStreamRequest(`/${method}`, requestSerialize, responseDeserialize, request)
  const messages: Message[] = []
  for await (const message of call) messages.push(message as Message)
  return messages
}

const v2 = (name: string, request: object) => ask(`jaeger.api_v2.QueryService/${name}`, request)
const v3 = (name: string, request: object) => ask(`jaeger.api_v3.QueryService/${name}`, request)

const RANGE = { seconds: String(START / 1_000_000_000n - 10n), nanos: 0 }
const END = { seconds: String(START / 1_000_000_000n + 10n), nanos: 0 }

describe('api_v2', () => {
  it('lists services and operations', async () => {
    expect(await v2('GetServices', {})).toEqual([{ services: ['bank', 'shop'] }])
    const [all] = await v2('GetOperations', { service: 'shop' })
    expect(all!['operations']).toEqual([
      { name: 'ask', span_kind: 'server' },
      { name: 'pay', span_kind: 'server' },
    ])
    expect(await v2('GetOperations', { service: 'shop', span_kind: 'client' })).toMatchObject([{ operations: [] }])
  })

  it('gives a trace in pieces, each span with its process', async () => {
    const chunks = await v2('GetTrace', { trace_id: bytesOf(ONE) })
    expect(chunks.map(({ spans }) => spans.length)).toEqual([100, 100, 51])
    const spans = chunks.flatMap((chunk) => chunk['spans'] as Message[])
    const root = spans.find(({ operation_name: name }) => name === 'pay')!
    expect(root).toMatchObject({
      trace_id: bytesOf(ONE),
      span_id: bytesOf(spanIdOf(1)),
      start_time: { seconds: '1790000000', nanos: 123_456_000 },
      duration: { seconds: '2', nanos: 500_000_000 },
      process: { service_name: 'shop' },
      references: [],
    })
    expect(root['tags']).toContainEqual(expect.objectContaining({ key: 'order', v_type: 'STRING', v_str: '7' }))
    expect(spans.find(({ operation_name: name }) => name === 'step')).toMatchObject({
      references: [{ trace_id: bytesOf(ONE), span_id: bytesOf(spanIdOf(1)), ref_type: 'CHILD_OF' }],
      process: { service_name: 'bank' },
    })
  })

  it('finds traces by all that can be asked for', async () => {
    const query = {
      service_name: 'shop',
      operation_name: 'pay',
      tags: [{ key: 'order', value: '7' }],
      start_time_min: RANGE,
      start_time_max: END,
      duration_min: { seconds: '2', nanos: 0 },
      duration_max: { seconds: '3', nanos: 0 },
      search_depth: 5,
    }
    const count = async (more: object) => {
      const chunks = await v2('FindTraces', { query: { ...query, ...more } })
      return new Set(chunks.flatMap(({ spans }) => spans.map((span: Message) => span['trace_id']))).size
    }
    expect(await count({})).toBe(1)
    expect(await count({ operation_name: '', tags: [] })).toBe(2)
    expect(await count({ operation_name: '', tags: [], search_depth: 1 })).toBe(1)
    for (const none of [
      { tags: [{ key: 'order', value: '8' }] },
      { duration_min: { seconds: '3' } },
      { start_time_max: RANGE },
    ])
      expect(await count(none)).toBe(0)
  })

  it('counts calls between services', async () => {
    expect(await v2('GetDependencies', { start_time: RANGE, end_time: END })).toEqual([
      { dependencies: [{ parent: 'shop', child: 'bank', call_count: '250', source: '' }] },
    ])
  })
})

describe('api_v3', () => {
  it('gives traces as OTLP', async () => {
    const chunks = await v3('GetTrace', { trace_id: ONE })
    const names = chunks.flatMap(({ resource_spans: resources }) =>
      resources.flatMap((resource: Message) =>
        resource['scope_spans'].flatMap((scope: Message) => scope['spans'].map((span: Message) => span['name'])),
      ),
    )
    expect(Map.groupBy(names, String)).toEqual(
      new Map([
        ['pay', ['pay']],
        ['step', Array.from({ length: 250 }, () => 'step')],
      ]),
    )
    const query = {
      service_name: 'shop',
      start_time_min: RANGE,
      start_time_max: END,
      attributes: [{ key: 'order', value: '7' }],
    }
    expect(await v3('FindTraces', { query })).toEqual(chunks)
    expect((await v3('GetTrace', { trace_id: ONE, raw_traces: true })).length).toBeGreaterThan(0)
  })

  it('sums traces up', async () => {
    const query = { service_name: 'bank', start_time_min: RANGE, start_time_max: END }
    expect(await v3('FindTraceSummaries', { query })).toMatchObject([
      {
        summaries: [
          {
            trace_id: ONE,
            root_operation_name: 'pay',
            min_start_time_unix_nano: START.toString(),
            max_end_time_unix_nano: (START + 2_500_000_000n).toString(),
            span_count: 251,
            services: [
              { name: 'bank', span_count: 250 },
              { name: 'shop', span_count: 1 },
            ],
          },
        ],
      },
    ])
    expect(await v3('GetServices', {})).toEqual([{ services: ['bank', 'shop'] }])
    expect(await v3('GetOperations', { service: 'bank' })).toEqual([
      {
        operations: [
          { name: 'step', span_kind: '' },
          { name: 'step', span_kind: 'internal' },
        ],
      },
    ])
    expect(await v3('GetDependencies', { start_time: RANGE, end_time: END })).toEqual([
      { dependencies: [{ parent: 'shop', child: 'bank', call_count: '250' }] },
    ])
  })
})

it.each<[string, object, number, RegExp]>([
  [
    'jaeger.api_v2.QueryService/GetTrace',
    { trace_id: bytesOf('e'.repeat(32)) },
    grpc.status.NOT_FOUND,
    /^trace not found$/,
  ],
  [
    'jaeger.api_v2.QueryService/ArchiveTrace',
    { trace_id: bytesOf(ONE) },
    grpc.status.NOT_FOUND,
    /archive span storage/,
  ],
  ['jaeger.api_v3.QueryService/GetTrace', { trace_id: 'xyz' }, grpc.status.INVALID_ARGUMENT, /"xyz" is not a trace id/],
  ['jaeger.api_v3.QueryService/FindTraces', {}, grpc.status.INVALID_ARGUMENT, /query.startTimeMin and/],
  [
    'jaeger.api_v3.QueryService/FindTraces',
    { query: { filter: 'AA==' } },
    grpc.status.INVALID_ARGUMENT,
    /structured filters are not supported/,
  ],
])('tells what is wrong with %s of %o', async (method, request, code, details) => {
  const error = await ask(method, request).catch((each: unknown) => each as ServiceError)
  expect(error).toMatchObject({ code, details: expect.stringMatching(details) as string })
})
