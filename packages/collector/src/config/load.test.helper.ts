/** What is read from texts, for the tests beside this file. */
import { expect } from 'vitest'
import { CollectorError } from '../component/index.ts'
import { builtinFactories } from '../factories.ts'
import type { CollectorConfig } from './config.ts'
import { loadConfig } from './load.ts'
import { readConfigFile } from './read.ts'

export const MINIMAL = `receivers:
  otlp:
    protocols:
      grpc:
exporters:
  debug:
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [debug]
`

export function load(text: string, env: Record<string, string> = {}): CollectorConfig {
  return loadConfig({
    texts: [{ text, file: 'otel.yaml' }],
    env,
    readFile: readConfigFile,
    factories: builtinFactories,
  })
}

/** The lines of the error that loading must give. */
export function errors(text: string, env?: Record<string, string>): string[] {
  try {
    load(text, env)
  } catch (error) {
    expect(error).toBeInstanceOf(CollectorError)
    expect((error as CollectorError).code).toBe('config')
    return (error as CollectorError).message.split('\n')
  }
  return []
}
