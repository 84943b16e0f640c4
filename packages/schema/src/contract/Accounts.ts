/** `emsdb admin … --json`: accounts of those who operate the product. Tokens and the audit log are in `Access.ts`. */
import * as Schema from "effect/Schema"
import { AccessRole } from "./Access.ts"
import { IsoInstant, Text } from "./Scalars.ts"

export const Account = Schema.Struct({
  id: Text,
  email: Text,
  role: AccessRole,
  createdAt: IsoInstant
})
export type Account = typeof Account.Type

/** In the order of their ids. */
export const Accounts = Schema.Struct({ items: Schema.Array(Account) })

/** A change that leaves nothing to show: what was done, and to what, in the words of the audit log. */
export const AccessChange = Schema.Struct({
  action: Schema.Literals(["account.password", "account.remove", "token.revoke"]),
  target: Text
})
export type AccessChange = typeof AccessChange.Type
