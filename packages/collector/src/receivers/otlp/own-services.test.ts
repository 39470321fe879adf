/** gRPC's own services beside OTLP: health and reflection, as grpcurl, load balancers and probes ask for them. */
import http2 from 'node:http2'
import grpc from '@grpc/grpc-js'
import protobuf from 'protobufjs'
import 'protobufjs/ext/descriptor.js'
import { decodeTraces } from '@spoor/otlp'
import { describe, expect, onTestFinished, test } from 'vitest'
import { logsRequest, metricsRequest, tracesRequest } from '../../testkit/index.ts'
import { startReceiver } from './fixture.ts'

const PROTO = protobuf.parse(`
syntax = "proto3";
message HealthCheckRequest { string service = 1; }
message HealthCheckResponse { enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; } ServingStatus status = 1; }
message ReflectionRequest {
  string host = 1;
  oneof message_request {
    string file_by_filename = 3; string file_containing_symbol = 4; ExtensionRequest file_containing_extension = 5;
    string all_extension_numbers_of_type = 6; string list_services = 7;
  }
}
message ExtensionRequest { string containing_type = 1; int32 extension_number = 2; }
message ReflectionResponse {
  string valid_host = 1; ReflectionRequest original_request = 2;
  oneof message_response {
    FileDescriptorResponse file_descriptor_response = 4; ListServiceResponse list_services_response = 6; ErrorResponse error_response = 7;
  }
}
message FileDescriptorResponse { repeated bytes file_descriptor_proto = 1; }
message ListServiceResponse { repeated ServiceResponse service = 1; }
message ServiceResponse { string name = 1; }
message ErrorResponse { int32 error_code = 1; string error_message = 2; }
`).root

const pack =
  (type: string) =>
  (value: object): Buffer => {
    const message = PROTO.lookupType(type)
    return Buffer.from(message.encode(message.fromObject(value)).finish())
  }
const unpack =
  (type: string) =>
  (bytes: Buffer): Record<string, unknown> => {
    const message = PROTO.lookupType(type)
    return message.toObject(message.decode(bytes), { enums: String, defaults: false })
  }

function connect(address: string): grpc.Client {
  const client = new grpc.Client(address, grpc.credentials.createInsecure())
  onTestFinished(() => client.close())
  return client
}

async function check(client: grpc.Client, service: string): Promise<unknown> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      pack('HealthCheckRequest'),
      unpack('HealthCheckResponse'),
      { service },
      (error, response) => resolve(error ? error.code : response?.['status']),
    )
  })
}

/** The answers to these questions, in one call. */
async function ask(
  client: grpc.Client,
  version: string,
  questions: readonly object[],
): Promise<Record<string, unknown>[]> {
  const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`
  const call = client.makeBidiStreamRequest(path, pack('ReflectionRequest'), unpack('ReflectionResponse'))
  for (const question of questions) call.write(question)
  call.end()
  const answers: Record<string, unknown>[] = []
  await new Promise((resolve, reject) => {
    call.on('data', (answer: Record<string, unknown>) => void answers.push(answer))
    call.on('error', reject)
    call.on('end', resolve)
  })
  return answers
}

const TRACES = 'opentelemetry.proto.collector.trace.v1.TraceService'

describe('health', () => {
  test('of the server, of a service that a pipeline takes, of others', async () => {
    for (const port of ['grpc', 'http'] as const) {
      const { [port]: address } = await startReceiver({ signals: ['traces'] })
      const client = connect(address)
      expect(await check(client, '')).toBe('SERVING')
      expect(await check(client, TRACES)).toBe('SERVING')
      expect(await check(client, TRACES.replaceAll(/[tT]race/g, 'logs'))).toBe(grpc.status.NOT_FOUND)
    }
  })

  test('whoever watches hears of the end', async () => {
    const { grpc: address, stop } = await startReceiver()
    const client = connect(address)
    const watch = (service: string): { seen: unknown[]; done: Promise<number> } => {
      const seen: unknown[] = []
      const call = client.makeServerStreamRequest(
        '/grpc.health.v1.Health/Watch',
        pack('HealthCheckRequest'),
        unpack('HealthCheckResponse'),
        { service },
      )
      call.on('data', (answer: { status: unknown }) => void seen.push(answer.status))
      const done = new Promise<number>(
        (resolve) => void call.on('error', (error: grpc.ServiceError) => resolve(error.code)),
      )
      return { seen, done }
    }
    const [own, other] = [watch(TRACES), watch('other')]
    await expect.poll(() => [own.seen, other.seen]).toEqual([['SERVING'], ['SERVICE_UNKNOWN']])
    await stop()
    expect(await own.done).toBe(grpc.status.UNAVAILABLE)
    expect(own.seen).toEqual(['SERVING', 'NOT_SERVING'])
  })
})

describe.each(['v1', 'v1alpha'])('reflection %s', (version) => {
  test('lists the services that take calls', async () => {
    const { grpc: address } = await startReceiver({ signals: ['traces', 'logs'] })
    const [answer] = await ask(connect(address), version, [{ listServices: '*' }])
    expect(answer).toMatchObject({
      originalRequest: { listServices: '*' },
      listServicesResponse: {
        service: [
          { name: TRACES },
          { name: 'opentelemetry.proto.collector.logs.v1.LogsService' },
          { name: 'grpc.health.v1.Health' },
        ],
      },
    })
  })

  test('its files are enough to call each method and read what comes', async () => {
    const { grpc: address, sink } = await startReceiver()
    const client = connect(address)
    const services = ['trace.v1.TraceService', 'metrics.v1.MetricsService', 'logs.v1.LogsService'].map(
      (name) => `opentelemetry.proto.collector.${name}`,
    )
    const answers = await ask(
      client,
      version,
      services.map((fileContainingSymbol) => ({ fileContainingSymbol })),
    )
    const requests = [tracesRequest({ spans: 5, rich: true }), metricsRequest(4), logsRequest(3)]
    for (const [index, answer] of answers.entries()) {
      const { fileDescriptorProto } = answer['fileDescriptorResponse'] as { fileDescriptorProto: Buffer[] }
      const root = protobuf.Root.fromDescriptor(Buffer.concat(fileDescriptorProto.map(inSet)))
      const service = root.lookupService(services[index]!)
      const method = service.methods['Export']!
      method.resolve()
      const input = method.resolvedRequestType!
      // Nothing of the message is unknown to the definition, so that it comes out as it went in.
      const decoded = input.toObject(input.decode(requests[index]!), { longs: String, bytes: Buffer })
      const encoded = input.encode(input.fromObject(decoded)).finish()
      expect(encoded.length).toBe(requests[index]!.length)
      const same = (bytes: Buffer): Buffer => bytes
      const path = `/${services[index]}/Export`
      const error = await new Promise((resolve) => {
        client.makeUnaryRequest(path, same, same, Buffer.from(encoded), resolve)
      })
      expect(error).toBeNull()
    }
    expect(sink.batches.map(({ items }) => items)).toEqual([5, 4, 3])
    const bytes = sink.batches[0]!.chunks[0]!.bytes
    expect(decodeTraces(bytes)).toEqual(decodeTraces(requests[0]!))
  })

  test('a file by its name, a symbol inside of a message; what there is not', async () => {
    const { grpc: address } = await startReceiver()
    const answers = await ask(connect(address), version, [
      { fileByFilename: 'opentelemetry/proto/trace/v1/trace.proto' },
      { fileContainingSymbol: 'opentelemetry.proto.trace.v1.Span.SpanKind' },
      { fileContainingSymbol: 'nothing.Nowhere' },
      { allExtensionNumbersOfType: 'a.B' },
    ])
    const names = answers.slice(0, 2).map((answer) => {
      const { fileDescriptorProto } = answer['fileDescriptorResponse'] as { fileDescriptorProto: Buffer[] }
      return fileDescriptorProto.map(nameOf)
    })
    const files = ['common', 'resource', 'trace'].map((name) => `opentelemetry/proto/${name}/v1/${name}.proto`)
    expect(names).toEqual([files, files])
    expect(answers.slice(2)).toMatchObject([
      { errorResponse: { errorCode: grpc.status.NOT_FOUND } },
      { errorResponse: { errorCode: grpc.status.UNIMPLEMENTED } },
    ])
  })
})

test('a message that is too large, or none, ends its call only', async () => {
  const { grpc: address } = await startReceiver()
  const session = http2.connect(`http://${address}`)
  onTestFinished(() => session.destroy())
  const call = async (bytes: Buffer): Promise<unknown> => {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
    })
    stream.resume()
    stream.write(bytes)
    return new Promise((resolve) => void stream.once('trailers', (trailers) => resolve(trailers['grpc-status'])))
  }
  expect(await call(Buffer.from([0, 0, 1, 0, 1]))).toBe(String(grpc.status.RESOURCE_EXHAUSTED))
  expect(await call(Buffer.from([0, 0, 0, 0, 1, 0xff]))).toBe(String(grpc.status.INVALID_ARGUMENT))
  expect(await call(Buffer.from([1, 0, 0, 0, 1, 0]))).toBe(String(grpc.status.UNIMPLEMENTED))
  expect(await call(Buffer.from([0, 0, 0, 0, 0]))).toBe('0')
})

/** A file in a `FileDescriptorSet`. */
function inSet(file: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x0a]), varint(file.length), file])
}

/** Its first field. */
function nameOf(file: Buffer): string {
  return file.subarray(2, 2 + file[1]!).toString()
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = value
  for (; left >= 0x80; left >>= 7) bytes.push((left & 0x7f) | 0x80)
  return Buffer.from([...bytes, left])
}
