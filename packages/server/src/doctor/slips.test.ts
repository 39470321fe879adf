import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Diagnosis } from './diagnosis.ts'
import { checkSlips, withoutUnexpanded } from './slips.ts'

// What a value was to stand in the place of, and the options of exporters, stand twice, as @spoor/instrument depends on nothing of Spoor: what one of them names, the other does.

const sources = ['../../../instrument/src/slips.ts', './slips.ts'].map((file) => new URL(file, import.meta.url))
const twin = (await import(sources[0]!.href)) as {
  checkSlips: (env: Record<string, string>, report: (finding: string) => void) => void
}

/** What each of the two says of a variable. */
function told(name: string, value: string): { process: string; doctor: string } {
  const process: string[] = []
  twin.checkSlips({ [name]: value }, (finding) => process.push(finding))
  const doctor: Diagnosis[] = []
  withoutUnexpanded({ [name]: value }, doctor)
  checkSlips({ [name]: value }, 'node', doctor)
  return {
    process: process.join('\n'),
    doctor: doctor.map(({ what, lines }) => JSON.stringify([what, lines])).join('\n'),
  }
}

const places = [
  '${HOST}',
  '${HOST:-shop}',
  '${HOST:?none}',
  '${env:HOST}',
  '$HOST',
  '%HOST%',
  '{{ .Values.host }}',
  '<HOST>',
]
const values = [
  'shop',
  '%20',
  '100%',
  'a$',
  '$',
  '$host',
  '<host>',
  '{host}',
  '${',
  '${}',
  '{{',
  'a{{}}b',
  '%host%',
  '$$HOST',
  '<A-b>',
]

test('names the same values that nobody has put in, in the same variables', () => {
  const named: string[] = []
  for (const name of [
    'OTEL_SERVICE_NAME',
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'OTEL_EXPORTER_OTLP_HEADERS',
    'OTEL_RESOURCE_ATTRIBUTES',
  ])
    for (const value of [...places, ...values].flatMap((one) => [one, `http://${one}:4318`])) {
      const { process, doctor } = told(name, value)
      expect([name, value, doctor !== '']).toEqual([name, value, process !== ''])
      if (process !== '') named.push(`${name} ${value}`)
    }
  expect(named).toEqual(expect.arrayContaining(places.map((place) => `OTEL_SERVICE_NAME ${place}`)))
  expect(named.filter((one) => /HEADERS|RESOURCE/.test(one))).toEqual([])
  expect(named).not.toContain('OTEL_SERVICE_NAME %20')
})

test('knows the same options of exporters, and what is meant when one is misspelt', () => {
  // Whatever is an entry of a list in either source.
  const entries = sources.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/^ +'([A-Z_]+)',$/gm)])
  const options = new Set(entries.map(([, option]) => option!).filter((option) => !option.startsWith('OTEL')))
  expect([...options]).toEqual(expect.arrayContaining(['ENDPOINT', 'CLIENT_KEY', 'INSECURE']))
  for (const option of options)
    for (const signal of ['', 'TRACES_', 'METRICS_', 'LOGS_']) {
      const name = `OTEL_EXPORTER_OTLP_${signal}${option}`
      expect([name, told(name, 'x')]).toEqual([name, { process: '', doctor: '' }])
      const misspelt = told(name.slice(0, -1), 'x')
      expect(misspelt.process).toContain(name)
      expect(misspelt.doctor).toContain(name)
    }
})
