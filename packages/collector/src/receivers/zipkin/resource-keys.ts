/** Tags that say something of who sends, not of the span. Source: what the OpenTelemetry Collector takes for attributes of a resource. */

const NAMES: Readonly<Record<string, string>> = {
  'aws.ecs': 'container.arn cluster.arn launchtype task.arn task.family task.revision',
  'aws.eks': 'cluster.arn',
  'aws.log': 'group.names group.arns stream.names stream.arns',
  cloud: 'provider account.id region availability_zone platform resource_id',
  container: 'name id runtime image.name image.tag',
  deployment: 'environment environment.name',
  device: 'id model.identifier model.name manufacturer',
  faas: 'name id version instance max_memory',
  host: 'id name type arch image.name image.id image.version',
  k8s: 'cluster.name node.name node.uid namespace.name pod.uid pod.name container.name container.restart_count replicaset.uid replicaset.name deployment.uid deployment.name statefulset.uid statefulset.name daemonset.uid daemonset.name job.uid job.name cronjob.uid cronjob.name',
  opencensus: 'starttime exporterversion resourcetype',
  os: 'type description name version',
  process:
    'pid executable.name executable.path command command_line command_args owner runtime.name runtime.version runtime.description',
  service: 'name namespace instance.id version',
  telemetry: 'sdk.name sdk.language sdk.version auto.version',
  webengine: 'name version description',
}

export const RESOURCE_KEYS: ReadonlySet<string> = new Set(
  Object.entries(NAMES).flatMap(([prefix, names]) => names.split(' ').map((name) => `${prefix}.${name}`)),
)
