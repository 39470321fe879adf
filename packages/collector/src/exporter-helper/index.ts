export { exporterHelperKeys, type RetryConfig, type SendingQueueConfig } from './config.ts'
export { createExporter, type ExporterOptions, type Sender, type SendResult } from './exporter.ts'
export { compressionParams, encodePayload, type Compression, type CompressionParams, type Payload } from './payload.ts'
export { clientTls, tlsClientOptions, type ClientTls } from './client-tls.ts'
