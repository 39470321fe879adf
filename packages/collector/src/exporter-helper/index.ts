export { exporterHelperKeys } from './config.ts'
export { createExporter, type ExporterOptions, type Sender, type SendResult } from './exporter.ts'
export { compressionParams, encodePayload, type Payload } from './payload.ts'
export { clientTls, tlsClientOptions } from './client-tls.ts'
