/** A Spoor, and set-ups for it that the doctor is asked about, for the tests beside this file. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { startTestSpoor, type TestSpoor } from '../testkit.ts'
import { doctor, type DoctorCommand, type DoctorReport } from './doctor.ts'
import type { Environment } from './environment.ts'

export interface Practice {
  /** One for all tests of the file. */
  readonly spoor: TestSpoor
  /** A folder without an application. */
  readonly empty: string
  readonly httpUrl: () => string
  readonly grpcUrl: () => string
  readonly examine: (environment: Environment, more?: Partial<DoctorCommand>) => Promise<DoctorReport>
}

/** To be called before the tests are described. */
export function openPractice(): Practice {
  let spoor: TestSpoor
  let empty: string
  beforeAll(async () => {
    spoor = await startTestSpoor()
    empty = mkdtempSync(join(tmpdir(), 'spoor-doctor-'))
  })
  afterAll(async () => {
    rmSync(empty, { recursive: true })
    await spoor.remove()
  })
  return {
    get spoor() {
      return spoor
    },
    get empty() {
      return empty
    },
    httpUrl: () => spoor.urls.otlpHttp!,
    grpcUrl: () => `http://${spoor.urls.otlpGrpc!}`,
    examine: async (environment, more = {}) =>
      doctor(
        {
          directory: empty,
          environment: { ...NAMED, ...environment },
          page: spoor.urls.page,
          collector: 'http://127.0.0.1:1',
          command: [],
          watchMs: 1_000,
          patienceMs: 500,
          ...more,
        },
        new AbortController().signal,
      ),
  }
}

const NAMED = { OTEL_SERVICE_NAME: 'shop' }

/** The environment with a line in it. */
export function applied(environment: Environment, line: string): Environment {
  const equals = line.indexOf('=')
  return { ...environment, [line.slice(0, equals)]: line.slice(equals + 1) }
}

export const codesOf = ({ diagnoses }: DoctorReport): string[] => diagnoses.map(({ code }) => code)
