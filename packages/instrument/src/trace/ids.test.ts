import { isValidSpanId, isValidTraceId } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { newSpanId, newTraceId } from './ids.ts'

test('ids are valid and none comes twice, beyond what is made at once', () => {
  const traceIds = Array.from({ length: 2_000 }, newTraceId)
  const spanIds = Array.from({ length: 2_000 }, newSpanId)
  expect(traceIds.every(isValidTraceId)).toBe(true)
  expect(spanIds.every(isValidSpanId)).toBe(true)
  expect(new Set(traceIds).size).toBe(2_000)
  expect(new Set(spanIds).size).toBe(2_000)
})
