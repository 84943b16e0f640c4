/** Who may operate the product: accounts, tokens of machines, and what they did. */
import { AccessRole } from "@ems/schema/contract/Access"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { token } from "./adminToken.ts"
import { json } from "./json.ts"
import { limit } from "./listFlags.ts"
import { yes } from "./yes.ts"

const accounts = Effect.promise(() => import("../run/accounts.ts"))

const who = Argument.String("who").pipe(Argument.withDescription("The e-mail of an account, or its id"))

const create = Command.make("create", {
  email: Argument.String("email"),
  role: Flag.Literals("role", AccessRole.literals).pipe(
    Flag.withDescription("What the account may do"),
    Flag.withDefault("admin")
  ),
  json
}, (options) => Effect.flatMap(accounts, ({ runCreate }) => runCreate(options))).pipe(
  Command.withShortDescription("Make an account"),
  Command.withDescription(
    "Makes an account with a role. Its password is asked for twice, without echo; where there is no terminal it is one "
      + "line of stdin. It is never a flag: flags are seen by every user of the machine."
  ),
  Command.withExamples([
    { command: "emsdb admin create ada@example.org", description: "The first administrator" },
    {
      command: "emsdb admin create ci@example.org --role viewer < password.txt",
      description: "With a password from a file"
    }
  ])
)

const list = Command.make(
  "list",
  { json },
  (options) => Effect.flatMap(accounts, ({ runList }) => runList(options))
).pipe(
  Command.withShortDescription("Show the accounts"),
  Command.withDescription("Shows every account with its role."),
  Command.withExamples([{ command: "emsdb admin list", description: "Who may operate the product" }])
)

const role = Command.make("role", {
  who,
  role: Argument.Literals("role", AccessRole.literals),
  json
}, (options) => Effect.flatMap(accounts, ({ runRole }) => runRole(options))).pipe(
  Command.withShortDescription("Give an account another role"),
  Command.withDescription("Holds at once, also for sessions that are open. The last administrator stays one."),
  Command.withExamples([{ command: "emsdb admin role ada@example.org operator", description: "No longer admin" }])
)

const password = Command.make(
  "password",
  { who, json },
  (options) => Effect.flatMap(accounts, ({ runPassword }) => runPassword(options))
).pipe(
  Command.withShortDescription("Give an account another password"),
  Command.withDescription("Ends all sessions of the account. The password is asked for as `admin create` does."),
  Command.withExamples([{ command: "emsdb admin password ada@example.org", description: "Asks for it twice" }])
)

const remove = Command.make(
  "remove",
  { who, yes, json },
  (options) => Effect.flatMap(accounts, ({ runRemove }) => runRemove(options))
).pipe(
  Command.withShortDescription("Remove an account"),
  Command.withDescription("Removes an account and ends its sessions, after it asked. The last administrator stays."),
  Command.withExamples([{ command: "emsdb admin remove ada@example.org --yes", description: "In a script" }])
)

const audit = Command.make(
  "audit",
  { limit, json },
  (options) => Effect.flatMap(Effect.promise(() => import("../run/auditLog.ts")), ({ runAudit }) => runAudit(options))
).pipe(
  Command.withShortDescription("Show who did what"),
  Command.withDescription("Shows the audit log, the latest first: what was done, by whom, why, and what became of it."),
  Command.withExamples([{ command: "emsdb admin audit --limit 50", description: "The last fifty" }])
)

export const admin = Command.make("admin").pipe(
  Command.withShortDescription("Accounts, tokens of machines, the audit log"),
  Command.withDescription("Says who may operate the product, and shows what they did."),
  Command.withSubcommands([create, list, role, password, remove, token, audit])
)
