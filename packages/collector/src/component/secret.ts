import { hash, timingSafeEqual } from 'node:crypto'

/** A digest to compare a secret by: of one length for all, so that the time which that takes tells nothing. */
export function secretDigest(secret: string): Buffer {
  return hash('sha256', secret, 'buffer')
}

/** Takes as long for any two. */
export function isSameSecret(one: string, other: string): boolean {
  return timingSafeEqual(secretDigest(one), secretDigest(other))
}
