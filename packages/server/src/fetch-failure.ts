/** Why a `fetch` that had so many milliseconds has failed, in words. */
export function fetchFailure(error: unknown, timeoutMs: number): string {
  const { name, message, cause } = error as Error
  if (name === 'TimeoutError') return `no answer within ${timeoutMs} ms`
  return cause instanceof Error ? cause.message : message
}
