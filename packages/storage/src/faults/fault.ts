/** What can go wrong in a run; each kind can be left out. */
export const FAULTS = [
  /** The process is killed; the page cache stays. */
  'kill',
  /** The power is cut: what was not synced is lost in part. */
  'power_cut',
  /** A part of the engine ends with an error. */
  'part_ends',
  /** A part spins, or is in a system call that does not return for long. */
  'part_hangs',
  /** Reads fail with EIO. */
  'read_errors',
  /** Writes fail with EIO. */
  'write_errors',
  /** Syncs fail with EIO, and what they should have written may be lost. */
  'sync_errors',
  /** The disk is full for a while. */
  'disk_full',
  /** A sync does not return for long. */
  'sync_hangs',
  /** The directory is moved away and comes back. */
  'directory_lost',
  /** The store has a limit of size. */
  'retention',
  /** Bytes on the disk change. What is missing then has to be told by an event, and searches have to say that they are not complete. */
  'bit_rot',
  /** With `retention`: the store must keep to its limit, and must never drop more than a twentieth of it at once. */
  'strict_retention',
] as const
export type Fault = (typeof FAULTS)[number]
