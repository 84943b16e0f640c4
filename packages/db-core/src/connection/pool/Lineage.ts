/**
 * Which server is written to, by system identifier and timeline: a promotion begins a new timeline, a restore from
 * elsewhere is another system.
 */
import type { ServerIdentity } from "../../driver/Session.ts"

export class Lineage {
  private current: Pick<ServerIdentity, "systemIdentifier" | "timeline"> | undefined = undefined

  /**
   * `same`: the one that is written to, or the first one seen. `replaced`: on a timeline that was left. `another`: on a
   * newer timeline, or another system.
   */
  judge(identity: ServerIdentity): "same" | "replaced" | "another" {
    this.current ??= identity
    if (identity.systemIdentifier !== this.current.systemIdentifier) return "another"
    if (identity.timeline === this.current.timeline) return "same"
    // Eight hex digits compare like numbers.
    return identity.timeline < this.current.timeline ? "replaced" : "another"
  }

  /** From now on `identity` is the server that is written to. */
  follow(identity: ServerIdentity): void {
    this.current = identity
  }
}
