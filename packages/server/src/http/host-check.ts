/** The page answers only to names of this machine where it listens on loopback, as the receivers do. */
export { hostAllowed, isLoopback } from '@spoor/collector'
