import { existsSync } from 'node:fs'

/** Whether this process runs in a container of Docker, Podman or Kubernetes, as far as can be told from inside. */
export function isInContainer(): boolean {
  return (
    existsSync('/.dockerenv') ||
    existsSync('/run/.containerenv') ||
    process.env['KUBERNETES_SERVICE_HOST'] !== undefined
  )
}
