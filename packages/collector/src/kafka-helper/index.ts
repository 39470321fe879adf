export { clientKeys, clientSwitches, encoding, notSupported, topicName } from './config.ts'
export {
  clientSettings,
  clusterName,
  countConnections,
  loadKafka,
  type ClientSettings,
  type KafkaModule,
} from './client.ts'
export { apiIds, leaves, toKafkaError } from './errors.ts'
