/**
 * Why somebody was not let in, or an account or a token was not changed, when it is not the database that failed
 * (`DbError`). Holds no e-mail, password or token.
 */
import { isDbError } from "@ems/db-core/errors/DbError"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const reasons = {
  /** The e-mail or the password is wrong; which of them is not said. */
  InvalidCredentials: Schema.TaggedStruct("InvalidCredentials", {}),
  InvalidToken: Schema.TaggedStruct("InvalidToken", {
    /**
     * - `malformed`: not a token of ours, or made for somebody else.
     * - `signature`: signed with another key or algorithm.
     * - `unknown`: well formed, and nobody issued it, or so long ago that its record is gone.
     * - `reused`: a refresh token that was exchanged before. Its session is revoked.
     */
    why: Schema.Literals(["malformed", "signature", "expired", "revoked", "reused", "unknown"])
  }),
  WeakPassword: Schema.TaggedStruct("WeakPassword", { expected: Schema.String }),
  AccountExists: Schema.TaggedStruct("AccountExists", {}),
  UnknownAccount: Schema.TaggedStruct("UnknownAccount", {}),
  UnknownToken: Schema.TaggedStruct("UnknownToken", {}),
  /** The last admin can be neither removed nor demoted: nobody could undo that. */
  LastAdmin: Schema.TaggedStruct("LastAdmin", {}),
  InvalidInput: Schema.TaggedStruct("InvalidInput", { field: Schema.String, expected: Schema.String }),
  /** The tables are missing. */
  NotInstalled: Schema.TaggedStruct("NotInstalled", {}),
  /** More passwords wait to be checked than there is room for. Try again after `retryAfterMs`. */
  Overloaded: Schema.TaggedStruct("Overloaded", { retryAfterMs: Schema.Int })
}

export type AccessReason = { readonly [Tag in keyof typeof reasons]: (typeof reasons)[Tag]["Type"] }[
  keyof typeof reasons
]

/** Why a token was refused. */
export type TokenFault = Extract<AccessReason, { readonly _tag: "InvalidToken" }>["why"]

const messageOf = (reason: AccessReason): string => {
  switch (reason._tag) {
    case "InvalidCredentials":
      return "the e-mail or the password is wrong"
    case "InvalidToken":
      return `the token is not accepted: ${reason.why}`
    case "WeakPassword":
      return `the password is not accepted, expected ${reason.expected}`
    case "AccountExists":
      return "there is such an account already"
    case "UnknownAccount":
      return "there is no such account"
    case "UnknownToken":
      return "there is no such token, or it was revoked before"
    case "LastAdmin":
      return "the last admin can be neither removed nor demoted: make another one first"
    case "InvalidInput":
      return `${reason.field} is not usable, expected ${reason.expected}`
    case "NotInstalled":
      return "the tables for accounts, tokens and audit are missing: run emsdb init"
    case "Overloaded":
      return "too many passwords wait to be checked"
  }
}

export class AccessError extends Schema.TaggedError<AccessError>()("AccessError", {
  reason: Schema.Union(Object.values(reasons))
}) {
  static of(reason: AccessReason): AccessError {
    return new AccessError({ reason })
  }

  static token(why: TokenFault): AccessError {
    return new AccessError({ reason: { _tag: "InvalidToken", why } })
  }

  static input(field: string, expected: string): AccessError {
    return new AccessError({ reason: { _tag: "InvalidInput", field, expected } })
  }

  override get message(): string {
    return messageOf(this.reason)
  }
}

/** Says `NotInstalled` for what Postgres says of a missing table. */
export const installed = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | AccessError, R> =>
  Effect.mapError(
    effect,
    (error) => isDbError(error) && error.isMissingTable ? AccessError.of({ _tag: "NotInstalled" }) : error
  )
