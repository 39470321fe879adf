import type { Addresses } from './addresses.ts'

/** Where Spoor listens, in a sentence. */
export function Listening({ http, grpcHost }: Addresses) {
  if (!http && !grpcHost) {
    return (
      <p>No OTLP receiver is running. Add one to the configuration that Spoor was started with, under receivers.</p>
    )
  }
  return (
    <p>
      Spoor listens for OTLP{http && ' over HTTP at '}
      {http && <code>{http}</code>}
      {http && grpcHost && ' and'}
      {grpcHost && ' over gRPC at '}
      {grpcHost && <code>{grpcHost}</code>}.
    </p>
  )
}
