import { describe, expect, it } from 'vitest'
import { examine } from './traces.ts'

const services = ['client', 'ensemble']
const processes = { p1: { serviceName: 'client' }, p2: { serviceName: 'ensemble' } }

interface Spec {
  id: string
  name: string
  process: string
  parent?: string
  start: number
  end: number
}
const complete: Spec[] = [
  { id: '1', name: 'classify a photograph', process: 'p1', start: 0, end: 9000 },
  { id: '2', name: 'POST /ensemble_service', process: 'p2', parent: '1', start: 1000, end: 2000 },
  { id: '3', name: 'classify in the background', process: 'p2', parent: '2', start: 1500, end: 8000 },
]
const trace = (specs: Spec[]) => ({
  processes,
  spans: specs.map(({ id, name, process, parent, start, end }) => ({
    spanID: id,
    operationName: name,
    references: parent === undefined ? [] : [{ refType: 'CHILD_OF', traceID: 't', spanID: parent }],
    startTime: start,
    duration: end - start,
    processID: process,
  })),
})
const findings = (specs: Spec[]): readonly string[] => examine('t', trace(specs), services).findings

describe('examine', () => {
  it('finds a complete trace complete, and how long the ensemble worked on', () => {
    expect(examine('t', trace(complete), services)).toEqual({ traceId: 't', spans: 3, tailMs: 6, findings: [] })
  })

  it('finds services, roots and parents that are missing', () => {
    expect(findings(complete.slice(0, 1))[0]).toBe('no span of ensemble')
    expect(findings(complete.slice(1))).toContain('1 spans without their parent')
    expect(findings(complete.slice(1))).toContain('0 roots')
    expect(findings([...complete, { id: '4', name: 'other', process: 'p1', start: 0, end: 1 }])).toEqual(['2 roots'])
  })

  it('finds a root that is not the client', () => {
    const moved = complete.map((spec) => (spec.id === '1' ? { ...spec, process: 'p2' } : spec))
    expect(findings(moved)).toEqual(['no span of client', 'its root is classify a photograph'])
  })

  it('finds work that ended before its answer', () => {
    const early = complete.map((spec) => (spec.id === '3' ? { ...spec, end: 1900 } : spec))
    expect(findings(early)).toEqual(["the ensemble's work did not end after its answer"])
  })
})
