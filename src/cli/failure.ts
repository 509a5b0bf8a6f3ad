/** The command was given wrongly: exit 2. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** The command was right and could not be done; the message is for people: exit 1. */
export class CommandFailure extends Error {
  override name = 'CommandFailure'
}
