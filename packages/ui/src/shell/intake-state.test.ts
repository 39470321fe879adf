import type { StatusResponse } from 'spoor/api'
import { describe, expect, it } from 'vitest'
import { intakeRate, intakeView } from './intake-state.ts'

const status = (change: Partial<StatusResponse> = {}): StatusResponse => ({
  version: '0.1.0',
  uptimeSeconds: 3,
  endpoints: { otlpHttp: 'http://127.0.0.1:4318' },
  spansAccepted: 0,
  spansRefused: 0,
  store: { spans: 0, diskBytes: 0, blocks: 0, segments: 0 },
  ...change,
})

describe('intakeRate', () => {
  it('is the difference over the time', () => {
    const before = { status: status({ spansAccepted: 100 }), at: 1000 }
    expect(intakeRate(before, { status: status({ spansAccepted: 2508 }), at: 3000 })).toBe(1204)
  })

  it('is unknown at first and after a restart', () => {
    expect(intakeRate(undefined, { status: status(), at: 1 })).toBeUndefined()
    expect(intakeRate({ status: status({ spansAccepted: 9 }), at: 0 }, { status: status(), at: 1 })).toBeUndefined()
  })
})

describe('intakeView', () => {
  it('says what is the case', () => {
    expect(intakeView(status(), null, 0)).toMatchObject({ state: 'nothing', label: 'no spans yet' })
    expect(intakeView(status({ spansAccepted: 5 }), null, 0)).toMatchObject({ state: 'idle', label: '0 spans/s' })
    expect(intakeView(status({ spansAccepted: 5 }), null, 1204)).toMatchObject({
      state: 'flowing',
      label: '1,204 spans/s',
    })
    expect(intakeView(status(), new Error('gone'), undefined).state).toBe('unreachable')
  })

  it('puts the reason for refusing first', () => {
    expect(intakeView(status({ refusing: 'disk full', spansAccepted: 5 }), null, 10)).toMatchObject({
      state: 'refusing',
      detail: ['Refusing: disk full', expect.anything(), expect.anything(), expect.anything(), expect.anything()],
    })
  })
})
