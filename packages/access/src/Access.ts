/** Access, assembled on a data layer. The only file that wires. */
import type { Database } from "@ems/db-core/connection/Database"
import type * as Config from "effect/Config"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Layer from "effect/Layer"
import { AccessConfig, type AccessConfigError, type Options } from "./AccessConfig.ts"
import { AccessTokens } from "./AccessTokens.ts"
import { Accounts } from "./Accounts.ts"
import { Audit } from "./Audit.ts"
import { Authentication } from "./Authentication.ts"
import { Bootstrap } from "./Bootstrap.ts"
import { Credentials } from "./Credentials.ts"
import { KnownPrincipals } from "./KnownPrincipals.ts"
import { MachineTokens } from "./MachineTokens.ts"
import { Passwords } from "./Passwords.ts"
import { Sessions } from "./Sessions.ts"

export type { Options } from "./AccessConfig.ts"

/** The services that callers use. */
export type Access = Accounts | Audit | Authentication | Bootstrap | MachineTokens | Sessions

/** Each call makes its own: two data layers in one process share no remembered credential. */
const layerNoDeps = (): Layer.Layer<Access, never, AccessConfig | Database> =>
  Layer.mergeAll(
    Audit.layerNoDeps(),
    Authentication.layerNoDeps(),
    Bootstrap.layerNoDeps(),
    MachineTokens.layerNoDeps(),
    Sessions.layerNoDeps()
  ).pipe(
    Layer.provideMerge(Accounts.layerNoDeps()),
    Layer.provide(Credentials.layerNoDeps()),
    Layer.provide(Layer.mergeAll(AccessTokens.layerNoDeps(), KnownPrincipals.layerNoDeps(), Passwords.layerNoDeps())),
    Layer.provide(SecureRandom.layerWebCrypto)
  )

/** Secrets from the environment, the rest from `options`. */
export const layerWith = (
  options: Omit<Options, "secret" | "previousSecret">
): Layer.Layer<Access, AccessConfigError | Config.ConfigError, Database> =>
  Layer.provide(layerNoDeps(), AccessConfig.layer(options))

/** Configured by the environment. */
export const layer = layerWith({})

/** Configured by the caller. */
export const layerOf = (options: Options): Layer.Layer<Access, AccessConfigError, Database> =>
  Layer.provide(layerNoDeps(), AccessConfig.layerOf(options))
