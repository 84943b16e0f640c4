/** Why a session was not signalled. Process ids and names, no statements. */
import * as Schema from "effect/Schema"

const reasons = {
  UnknownSession: Schema.TaggedStruct("UnknownSession", {}),
  /** The process has the number, but began at another time: the number was given out again. */
  AnotherSession: Schema.TaggedStruct("AnotherSession", { backendStart: Schema.String }),
  /** A connection of the pool that asks. */
  OwnSession: Schema.TaggedStruct("OwnSession", {}),
  AnotherDatabase: Schema.TaggedStruct("AnotherDatabase", { database: Schema.NullOr(Schema.String) }),
  /** Not a client's. `kind` in Postgres's words. */
  NotAClient: Schema.TaggedStruct("NotAClient", { kind: Schema.String, because: Schema.String }),
  /** No statement runs that could be cancelled. */
  NotActive: Schema.TaggedStruct("NotActive", { state: Schema.String }),
  /** `remedy` is what somebody with the right to do so has to do. */
  NotPermitted: Schema.TaggedStruct("NotPermitted", { remedy: Schema.String })
}

export type SessionSignalReason = { readonly [Tag in keyof typeof reasons]: (typeof reasons)[Tag]["Type"] }[
  keyof typeof reasons
]

const messageOf = (reason: SessionSignalReason): string => {
  switch (reason._tag) {
    case "UnknownSession":
      return "there is no such session"
    case "AnotherSession":
      return `this process began at ${reason.backendStart}: its number was given to another session`
    case "OwnSession":
      return "this is a connection of the pool that asks"
    case "AnotherDatabase":
      return "the session is connected to another database"
    case "NotAClient":
      return `this is a ${reason.kind}: ${reason.because}`
    case "NotActive":
      return `no statement runs in it (${reason.state}): cancelling ends a statement, terminating ends the session`
    case "NotPermitted":
      return `the role that asks may not do this: ${reason.remedy}`
  }
}

export class SessionSignalError extends Schema.TaggedError<SessionSignalError>()("SessionSignalError", {
  reason: Schema.Union(Object.values(reasons)),
  pid: Schema.Int
}) {
  static of(pid: number, reason: SessionSignalReason): SessionSignalError {
    return new SessionSignalError({ pid, reason })
  }

  override get message(): string {
    return `pid ${this.pid}: ${messageOf(this.reason)}`
  }
}
