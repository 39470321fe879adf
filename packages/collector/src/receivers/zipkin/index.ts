import type { ReceiverFactory } from '../../component/index.ts'
import { createReceiver, type PortRules } from '../../receiver-helper/index.ts'
import { zipkinReceiverConfig, type ZipkinReceiverConfig } from './config.ts'
import { zipkinService } from './http.ts'

/** Receives Zipkin's spans over HTTP: version 2 as JSON and protobuf, version 1 as JSON and Thrift. */
export const zipkinReceiver: ReceiverFactory<ZipkinReceiverConfig> = {
  kind: 'receiver',
  type: 'zipkin',
  config: zipkinReceiverConfig,
  signals: ['traces'],
  create(context, config, next) {
    const rules: PortRules = {
      transport: 'http',
      endpoint: config.endpoint,
      network: config.transport,
      endpointSetting: 'endpoint',
      tls: config.tls,
      auth: config.auth,
      limit: { bytes: config.max_request_body_size, setting: 'max_request_body_size' },
      includeMetadata: config.include_metadata,
    }
    const http = {
      cors: config.cors,
      behaviour: config,
      speaks: 'Zipkin over HTTP',
      service: zipkinService(rules, config),
    }
    return createReceiver(context, next, { ports: [{ ...rules, http }] })
  },
}
