import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readSettings } from './settings.ts'
import type { Flags } from './settings.ts'

const flags: Flags = {
  models: 'mobilenet,inception',
  protocol: 'grpc',
  rate: 0.2,
  state: '.spoor',
  pagePort: 16686,
  otlpGrpcPort: 4317,
  otlpHttpPort: 4318,
  collectorGrpcPort: 4327,
  collectorHttpPort: 4328,
  controlPort: 5009,
  preprocessingPort: 5010,
  ensemblePort: 5011,
  queuePort: 5007,
  consumerPort: 5008,
  'inference-1-port': 5012,
  'inference-2-port': 5013,
}

describe('readSettings', () => {
  it('gives each model a port, and keeps traces and logs apart', () => {
    const settings = readSettings({ ...flags, models: 'a,b,c', 'inference-2-port': 6000 })
    expect(settings.ports.inference).toEqual([5012, 6000, 6001])
    expect(settings).toMatchObject({ models: ['a', 'b', 'c'], once: false, viaCollector: false })
    expect(readSettings({ ...flags, inference: 'http://127.0.0.1:5014' }).inference).toEqual(['http://127.0.0.1:5014'])
    expect(settings.data).toBe(resolve('.spoor/data'))
    expect(settings.logs).toBe(resolve('.spoor/logs'))
  })

  it.each([
    [{ protocol: 'udp' }, '--protocol udp: one of grpc, http/protobuf'],
    [{ rate: 0 }, '--rate 0:'],
    [{ rate: Number.NaN }, '--rate NaN:'],
    [{ models: ',' }, '--models: name at least one'],
    [{ pagePort: 99_999 }, '--page-port 99999: a port is an integer of 1 to 65535'],
    [{ inference: 'http://127.0.0.1:5014,5015' }, '--inference 5015: not the URL'],
    [{ viaCollector: true, world: 'world.yaml' }, '--via-collector: with --world'],
    [{ netns: true, inference: 'http://127.0.0.1:5014' }, '--netns: 127.0.0.1:5014 is this machine'],
    [{ netns: true, queueUrl: 'amqp://localhost' }, '--netns: localhost is this machine'],
    [{ 'inference-2-port': 1.5 }, '--inference-2-port 1.5:'],
  ])('refuses %o, naming the flag', (change, message) => {
    expect(() => readSettings({ ...flags, ...change })).toThrow(message)
  })
})
