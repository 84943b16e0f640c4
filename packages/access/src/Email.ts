/** An e-mail as `admin_users` keeps it. */
import * as Effect from "effect/Effect"
import { AccessError } from "./AccessError.ts"

/** Trimmed, in lower case; `undefined` for what the table would refuse. */
export const parse = (text: string): string | undefined => {
  const email = text.trim().toLowerCase()
  // A NUL is refused by Postgres, and half a surrogate would be stored as another character.
  return /^[^\s@\0]+@[^\s@\0]+$/.test(email) && email.isWellFormed() && Array.from(email).length <= 254
    ? email
    : undefined
}

/** The same, failing with `InvalidInput`. */
export const decode = (text: string): Effect.Effect<string, AccessError> => {
  const email = parse(text)
  return email === undefined
    ? Effect.fail(AccessError.input("email", "name@host, at most 254 characters"))
    : Effect.succeed(email)
}
