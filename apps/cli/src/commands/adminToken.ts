/** Tokens of machines. */
import { AccessRole, AccessScope } from "@ems/schema/contract/Access"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { json } from "./json.ts"

const tokens = Effect.promise(() => import("../run/tokens.ts"))

/** When a token ends: so many days from now, or at an instant. */
export type Expiry = { readonly days: number } | { readonly at: DateTime.Utc }

const expiryOf = (text: string): Option.Option<Expiry> => {
  const days = /^(\d{1,4})d$/.exec(text)?.[1]
  if (days !== undefined) return Number(days) > 0 ? Option.some({ days: Number(days) }) : Option.none()
  // Of what JavaScript takes for a date only this is the same everywhere.
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z)?$/.test(text)) return Option.none()
  return Option.map(DateTime.make(text), (at) => ({ at: DateTime.toUtc(at) }))
}

const create = Command.make("create", {
  name: Argument.String("name").pipe(
    Argument.filter(
      (name) => /^[A-Za-z][A-Za-z0-9._-]{0,62}$/.test(name),
      () => "Expected a letter, then up to 62 letters, digits and . _ -"
    )
  ),
  role: Flag.Literals("role", AccessRole.literals).pipe(Flag.withDescription("What it may do at most")),
  scope: Flag.Literals("scope", AccessScope.literals).pipe(
    Flag.withDescription("Only this of what the role may; given again, this too"),
    Flag.atLeast(0)
  ),
  expires: Flag.String("expires").pipe(
    Flag.withMetavar("<90d|2030-01-31>"),
    Flag.withDescription("When it ends: in so many days, or at an instant in UTC; without it never"),
    Flag.filterMap(expiryOf, () => "Expected days such as 90d, or an instant such as 2030-01-31T23:59:59Z"),
    Flag.optional
  ),
  json
}, (options) => Effect.flatMap(tokens, ({ runCreate }) => runCreate(options))).pipe(
  Command.withShortDescription("Make a token for a machine"),
  Command.withDescription("Prints the token, and nothing else, on stdout. Nobody can show it again."),
  Command.withExamples([
    {
      command: "emsdb admin token create prometheus --role viewer --scope metrics:read",
      description: "For what reads /metrics"
    },
    { command: "TOKEN=$(emsdb admin token create ci --role operator --expires 90d)", description: "Into a variable" }
  ])
)

const list = Command.make(
  "list",
  { json },
  (options) => Effect.flatMap(tokens, ({ runList }) => runList(options))
).pipe(
  Command.withShortDescription("Show the tokens, never their text"),
  Command.withDescription("Shows the tokens with what each may do; revoked and expired ones too, the latest first."),
  Command.withExamples([{ command: "emsdb admin token list", description: "All of them" }])
)

const revoke = Command.make("revoke", {
  token: Argument.String("id-or-name").pipe(
    Argument.filter((text) => /^[\w.-]{1,63}$/.test(text), () => "Expected the id or the name of a token")
  ),
  json
}, (options) => Effect.flatMap(tokens, ({ runRevoke }) => runRevoke(options))).pipe(
  Command.withShortDescription("Revoke a token"),
  Command.withDescription("Whoever shows it is refused within a second. Its name is free again."),
  Command.withExamples([{ command: "emsdb admin token revoke ci", description: "By name" }])
)

export const token = Command.make("token").pipe(
  Command.withShortDescription("Tokens of machines: create, list, revoke"),
  Command.withDescription("Tokens with which programs call the API."),
  Command.withSubcommands([create, list, revoke])
)
