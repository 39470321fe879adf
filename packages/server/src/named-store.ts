/** Whether it looks like one: what of it is wrong is told when it is read. */
export function isStoreAddress(value: unknown): value is string {
  return typeof value === 'string' && /^clickhouses?:\/\//.test(value)
}

/** The store that a configuration names for its exporters `spoor_storage`. It is opened once, at the start: what is read later has to name the same. */
export class NamedStore {
  #isRead = false
  #address: string | undefined

  /** Undefined: none is named. */
  get address(): string | undefined {
    return this.#address
  }

  /** Takes what one exporter says; what is wrong with it, in words without the address, of which a password may be a part. */
  read(store: unknown): string | undefined {
    const address = store ?? undefined
    if (address !== undefined && !isStoreAddress(address))
      return 'no address of a store; clickhouse://user@host:8123/database is one, and without it the store is the data directory'
    if (this.#isRead && address !== this.#address)
      return 'the store is one for all exporters spoor_storage, and another one from the next start on'
    this.#isRead = true
    this.#address = address
    return undefined
  }
}
