import { describe, expect, it } from 'vitest'
import { traceIdOf } from './trace-id.ts'

describe('traceIdOf', () => {
  it('takes an id as people paste it', () => {
    expect(traceIdOf(' C527AA8F3870EF443EE00B53EAB18EA2\n')).toBe('c527aa8f3870ef443ee00b53eab18ea2')
    expect(traceIdOf('c527aa8f-3870-ef44-3ee0-0b53eab18ea2')).toBe('c527aa8f3870ef443ee00b53eab18ea2')
    expect(traceIdOf('3ee00b53eab18ea2')).toBe('00000000000000003ee00b53eab18ea2')
  })

  it.each(['', 'checkout', '0', 'c527aa8f3870ef443ee00b53eab18ea2f'])('refuses %j', (text) => {
    expect(traceIdOf(text)).toBeUndefined()
  })
})
