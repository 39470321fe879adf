import type { StatusResponse } from 'spoor/api'
import { formatBytes, formatCount, formatCounted, formatRate } from '../format/numbers.ts'
import { reasonsOf } from './health-reasons.ts'

export type IntakeState = 'nothing' | 'idle' | 'flowing' | 'refusing' | 'attention' | 'unreachable'

export interface IntakeView {
  readonly state: IntakeState
  /** Stands beside the dot. */
  readonly label: string
  /** Lines shown on hover. */
  readonly detail: readonly string[]
}

/** Two answers of the status route and the time between them. */
export interface IntakeSample {
  readonly status: StatusResponse
  /** Milliseconds on any clock. */
  readonly at: number
}

/** Spans a second between two samples; undefined when that cannot be told (the first sample, a restart of the server). */
export function intakeRate(previous: IntakeSample | undefined, current: IntakeSample): number | undefined {
  if (!previous || current.at <= previous.at) return undefined
  const spans = current.status.spansAccepted - previous.status.spansAccepted
  return spans < 0 ? undefined : (spans * 1000) / (current.at - previous.at)
}

/** `failure`: why there was no answer this time. */
export function intakeView(
  status: StatusResponse | undefined,
  failure: Error | null,
  rate: number | undefined,
): IntakeView {
  if (failure) {
    return { state: 'unreachable', label: 'no answer', detail: [failure.message, 'What is shown may be old.'] }
  }
  if (!status) return { state: 'idle', label: '', detail: [] }
  const detail = [
    `Accepted since start: ${formatCounted(status.spansAccepted, 'span')}`,
    ...(status.spansRefused > 0 ? [`Refused since start: ${formatCounted(status.spansRefused, 'span')}`] : []),
    `Stored: ${formatCounted(status.store.spans, 'span')} in ${formatBytes(status.store.diskBytes)}`,
    ...(status.endpoints.otlpHttp ? [`OTLP HTTP: ${status.endpoints.otlpHttp}`] : []),
    ...(status.endpoints.otlpGrpc ? [`OTLP gRPC: ${status.endpoints.otlpGrpc}`] : []),
    `Spoor ${status.version}`,
  ]
  const reasons = reasonsOf(status).map(({ text }) => text)
  if (status.phase !== 'running') return { state: 'attention', label: status.phase, detail: [...reasons, ...detail] }
  if (status.refusing) {
    return { state: 'refusing', label: 'refusing spans', detail: [`Refusing: ${status.refusing}`, ...detail] }
  }
  if (!status.health.ready) return { state: 'refusing', label: 'not ready', detail: [...reasons, ...detail] }
  if (reasons.length > 0) return { state: 'attention', label: 'needs attention', detail: [...reasons, ...detail] }
  const lost = status.attention.filter(({ severity }) => severity === 'error')
  if (lost.length > 0) {
    const words = lost.map(({ what, mend }) => `${what} ${mend}`)
    return { state: 'attention', label: 'needs attention', detail: [...words, ...detail] }
  }
  if (rate !== undefined && rate > 0) return { state: 'flowing', label: `${formatRate(rate)} spans/s`, detail }
  if (status.spansAccepted === 0 && status.store.spans === 0) return { state: 'nothing', label: 'no spans yet', detail }
  return { state: 'idle', label: rate === undefined ? '– spans/s' : `${formatCount(0)} spans/s`, detail }
}
