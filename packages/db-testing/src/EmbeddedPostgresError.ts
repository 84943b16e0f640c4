/** The one error of the embedded Postgres: `reason` for programs, a message that also says what would be right. */
export type EmbeddedPostgresReason =
  /** No binaries for this platform, or they were not installed. */
  | "Unsupported"
  /** The binaries are there and do not run. */
  | "Binaries"
  /** The data directory is foreign, damaged or of another major version. */
  | "DataDirectory"
  /** Another server is running in the data directory. */
  | "InUse"
  /** The requested port is taken. */
  | "PortTaken"
  /** `initdb` failed or took too long. */
  | "InitFailed"
  /** The server ended before it was ready, or took too long. */
  | "StartFailed"

export class EmbeddedPostgresError extends Error {
  override readonly name = "EmbeddedPostgresError"
  readonly reason: EmbeddedPostgresReason

  constructor(reason: EmbeddedPostgresReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}
