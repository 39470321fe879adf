import type { StatusResponse } from 'spoor/api'
import { CopyBlock } from '../widgets/copy.tsx'
import { Notice } from '../widgets/notice.tsx'
import styles from './setup-hint.module.css'

/** What stands on the search page while there is not one span: how to send some. */
export function SetupHint({ status }: { status: StatusResponse }) {
  const http = status.endpoints.otlpHttp
  const grpc = status.endpoints.otlpGrpc
  if (!http && !grpc) {
    return (
      <Notice title="No traces yet">
        <p>No OTLP receiver is running. Add one to the configuration that Spoor was started with, under receivers.</p>
      </Notice>
    )
  }
  return (
    <Notice title="No traces yet">
      <p>
        Spoor listens for OTLP{http && ' over HTTP at '}
        {http && <code>{http}</code>}
        {http && grpc && ' and'}
        {grpc && ' over gRPC at '}
        {grpc && <code>{grpc}</code>}. This page fills by itself when the first span comes.
      </p>
      <h3 className={styles.heading}>Any OpenTelemetry SDK</h3>
      <CopyBlock text={environment(http, grpc)} />
      <h3 className={styles.heading}>A Node program</h3>
      <CopyBlock text={`npm install @spoor/instrument\nnode --import @spoor/instrument/register app.js`} />
      <h3 className={styles.heading}>A collector, in its YAML</h3>
      <CopyBlock text={collector(http, grpc)} />
    </Notice>
  )
}

function environment(http: string | undefined, grpc: string | undefined): string {
  const [endpoint, protocol] = http ? [http, 'http/protobuf'] : [`http://${grpc}`, 'grpc']
  return [
    'export OTEL_SERVICE_NAME=my-service',
    `export OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint}`,
    `export OTEL_EXPORTER_OTLP_PROTOCOL=${protocol}`,
  ].join('\n')
}

function collector(http: string | undefined, grpc: string | undefined): string {
  if (!grpc) return `exporters:\n  otlphttp/spoor:\n    endpoint: ${http}`
  return `exporters:\n  otlp/spoor:\n    endpoint: ${grpc}\n    tls:\n      insecure: true`
}
