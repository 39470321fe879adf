import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { parseWorldFile } from './world-file.ts'

const services = ['client', 'preprocessing', 'ensemble', 'inference-a', 'inference-b', 'consumer', 'spoor']
const parse = (text: string): ReturnType<typeof parseWorldFile> => parseWorldFile(text, 'world.yaml', services)
const good = `sites:
  edge:
    services: [client, preprocessing]
    collector: disk
  cloud:
    services: [ensemble, inference-*, consumer, spoor]
links:
  - between: [edge, cloud]
    latency: 20ms
    bandwidth: 8Mbit/s
    stall: 1%
    show: span
`

describe('world.yaml', () => {
  it('places services on sites and joins them by links', () => {
    expect(parse(good)).toEqual({
      sites: [
        { name: 'edge', services: ['client', 'preprocessing'], collector: 'disk' },
        {
          name: 'cloud',
          services: ['ensemble', 'inference-a', 'inference-b', 'consumer', 'spoor'],
          collector: 'memory',
        },
      ],
      links: [
        {
          between: ['edge', 'cloud'],
          conditions: { latencyMs: 20, jitterMs: 0, bytesPerMs: 1000, stall: 0.01, stallMs: 200, reset: 0 },
          show: 'span',
        },
      ],
    })
  })

  it('reads the one that comes with the example', async () => {
    const text = await readFile(new URL('../../../world.yaml', import.meta.url), 'utf8')
    const { sites, links } = parse(text)
    expect(sites.map(({ name }) => name)).toEqual(['edge', 'fog', 'cloud'])
    expect(links.map(({ conditions }) => conditions.latencyMs)).toEqual([8, 20])
  })

  it.each([
    ['latency: 20ms', 'latency: 20', 'world.yaml:9:14 links.0.latency: "20" is not one; write it as 20ms or 1.5s'],
    ['stall: 1%', 'stall: 0.01', 'world.yaml:11:12 links.0.stall: "0.01" is not one; write it as 2%, at most 100%'],
    ['stall: 1%', 'stall: 101%', 'world.yaml:11:12 links.0.stall: "101%" is not one'],
    ['bandwidth: 8Mbit/s', 'bandwidth: 0', 'world.yaml:10:16 links.0.bandwidth: "0" is not one'],
    ['stall: 1%', 'loss: 1%', 'world.yaml:11:11 links.0.loss: nothing can be lost on a relay of TCP'],
    ['collector: disk', 'collektor: disk', 'world.yaml:4:16 sites.edge.collektor: there is no such key'],
    ['collector: disk', 'collector: tape', 'world.yaml:4:16 sites.edge.collector:'],
    ['[edge, cloud]', '[edge, moon]', 'world.yaml:8:14 links.0.between: there is no site moon; there are edge, cloud'],
    ['[edge, cloud]', '[edge, edge]', 'world.yaml:8:14 links.0.between: a link joins two sites'],
    ['[client, preprocessing]', '[client]', 'world.yaml:2:3 sites: preprocessing is on no site'],
    [
      '[client, preprocessing]',
      '[client, preprocessing, spoor]',
      'world.yaml:2:3 sites: spoor is on more than one site: edge, cloud',
    ],
    [
      '[client, preprocessing]',
      '[client, preprocessing, database]',
      'world.yaml:3:39 sites.edge.services.2: there is no database; there are client,',
    ],
    [
      '    show: span',
      '    show: span\n  - between: [cloud, edge]',
      'links.1.between: cloud and edge have a link already',
    ],
    [
      '  cloud:\n    services: [ensemble,',
      '  fog:\n    services: [ensemble]\n  cloud:\n    services: [',
      'world.yaml:6:5 sites.fog: no links lead from edge to fog',
    ],
    ['edge:', 'edge: [', 'world.yaml: '],
  ])('says where it is wrong: %s as %s', (right, wrong, message) => {
    expect(good).toContain(right)
    expect(() => parse(good.replace(right, wrong))).toThrow(message)
  })

  it('tells all that is wrong at once', () => {
    const twice = good.replace('20ms', 'soon').replace('1%', 'some')
    expect(() => parse(twice)).toThrow(/links\.0\.latency.*\n.*links\.0\.stall/)
  })
})
