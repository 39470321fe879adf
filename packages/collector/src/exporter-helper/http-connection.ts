/** What exporters over HTTP have between start and close: certificates, credentials, connections. */
import type { TelemetryBatch } from '@spoor/otlp'
import { CollectorError, type ClientAuthenticator, type Context, type Host, type TlsFiles } from '../component/index.ts'
import { clientAuthenticator } from './client-auth.ts'
import { lowerCaseNames } from './client-headers.ts'
import { openClientTls, type TlsClientOptions } from './client-tls.ts'
import { createHttpClient, type HttpClient } from './http-client.ts'
import type { HttpClientConfig } from './http-config.ts'
import { encodePayload } from './payload.ts'

export interface HttpConnectionOptions {
  readonly contentType: string
  /** Connections to one host, where the config does not say how many. */
  readonly connections: number
  /** What to ask of a peer whose answer is no HTTP. */
  readonly hint: string
}

export class HttpConnection {
  readonly #context: Context
  readonly #config: HttpClientConfig
  readonly #options: HttpConnectionOptions
  readonly #headers: Readonly<Record<string, string>>
  #client: HttpClient | undefined
  #auth: ClientAuthenticator | undefined
  #tls: TlsFiles<TlsClientOptions> | undefined

  constructor(context: Context, config: HttpClientConfig, options: HttpConnectionOptions) {
    this.#context = context
    this.#config = config
    this.#options = options
    this.#headers = {
      'user-agent': 'spoor-collector',
      ...lowerCaseNames(config.headers),
      'content-type': options.contentType,
    }
  }

  start(host: Host): void {
    const { connections, hint } = this.#options
    this.#auth = clientAuthenticator(host, this.#config.auth)
    this.#tls = openClientTls(this.#context, this.#config.tls, () => this.#client?.renew())
    this.#client = createHttpClient(this.#config, this.#tls, connections, hint)
  }

  /**
   * Sends a batch, compressed as the config says; see {@link HttpClient.post}. `beside`: headers in addition, which give way to those of the config.
   */
  async post(
    url: URL,
    batch: TelemetryBatch,
    signal: AbortSignal,
    beside?: Readonly<Record<string, string>>,
    observe?: (requestBytes: number) => (outcome: number | string, durationMs: number) => void,
  ): Promise<Uint8Array> {
    if (!this.#client || !this.#auth) throw new CollectorError('internal', `${this.#context.id} was not started`)
    const { compression, compression_params: params } = this.#config
    const payload = await encodePayload(batch, compression === '' ? 'none' : compression, params)
    const coding: Record<string, string> = payload.coding === undefined ? {} : { 'content-encoding': payload.coding }
    const headers = { ...beside, ...this.#headers, ...this.#auth.headers(), ...coding }
    return this.#client.post(url, headers, payload, signal, observe?.(payload.length))
  }

  /** Looks at the files of certificates again. */
  refresh(): void {
    this.#tls?.refresh()
  }

  async close(): Promise<void> {
    this.#tls?.stop()
    await this.#client?.close()
  }
}
