import { describe, expect, it } from 'vitest'
import { intakeRate, intakeView } from './intake-state.ts'
import { statusOf as status } from './status-fixture.ts'

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
    expect(intakeView(status({ spansAccepted: 5 }), null, undefined)).toMatchObject({ label: '– spans/s' })
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

  it('asks for attention while something is wrong, before it tells of rates', () => {
    const { health } = status()
    const notReady = { ...health, ready: false, reasons: ['the disk fails: EIO'] }
    expect(intakeView(status({ health: notReady, spansAccepted: 5 }), null, 10)).toMatchObject({
      state: 'refusing',
      label: 'not ready',
    })
    expect(intakeView(status({ health: notReady }), null, 10).detail[0]).toBe('the disk fails: EIO')
    expect(intakeView(status({ health: { ...health, damagedPieces: 1 } }), null, 10)).toMatchObject({
      state: 'attention',
      label: 'needs attention',
    })
    const row = { code: 'wrong_path', where: 'python', lines: [], count: 3, firstSeenMs: 0, lastSeenMs: 1 }
    const lost = { ...row, severity: 'error', what: 'The path is there twice.', mend: 'Leave it out.' } as const
    expect(intakeView(status({ attention: [lost], spansAccepted: 5 }), null, 10)).toMatchObject({
      state: 'attention',
      detail: ['The path is there twice. Leave it out.', ...Array.from({ length: 4 }, () => expect.anything())],
    })
    expect(
      intakeView(status({ attention: [{ ...lost, severity: 'warning' }], spansAccepted: 5 }), null, 10).state,
    ).toBe('flowing')
    expect(intakeView(status({ phase: 'starting' }), null, undefined).label).toBe('starting')
  })
})
