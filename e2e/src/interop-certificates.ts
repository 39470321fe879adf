/** Certificates for those who send over TLS, made with openssl. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Certificates {
  /** Of whoever signed the others, as a file. */
  readonly ca: string
  /** The keys of a receiver's `tls` in YAML. */
  readonly server: string
  /** Those of an exporter that shows who it is. */
  readonly client: string
}

/** A CA of its own, and a certificate of 127.0.0.1 that it has signed, for both ends; in `folder`. */
export function createCertificates(folder: string): Certificates {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=interop')
  openssl('req', ...key, '-keyout', 'own.key', '-out', 'own.csr', '-subj', '/CN=localhost')
  writeFileSync(join(folder, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n')
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names']
  openssl('x509', '-req', '-in', 'own.csr', ...signed, '-out', 'own.pem')
  const [ca, own] = [
    join(folder, 'ca.pem'),
    `cert_file: ${join(folder, 'own.pem')}, key_file: ${join(folder, 'own.key')}`,
  ]
  return { ca, server: own, client: `ca_file: ${ca}, ${own}` }
}
