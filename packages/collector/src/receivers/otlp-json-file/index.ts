import type { ReceiverFactory } from '../../component/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { otlpJsonFileConfig, type OtlpJsonFileConfig } from './config.ts'
import { OtlpJsonFileReceiver } from './receiver.ts'

export const otlpJsonFileReceiver: ReceiverFactory<OtlpJsonFileConfig> = {
  kind: 'receiver',
  type: 'otlp_json_file',
  aliases: ['otlpjsonfile'],
  config: otlpJsonFileConfig,
  signals: SIGNALS,
  create: (context, config, next) => new OtlpJsonFileReceiver(context, config, next),
}
