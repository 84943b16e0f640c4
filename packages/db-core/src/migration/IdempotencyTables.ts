/**
 * Installs the table in which `operation/IdempotencyKeys.ts` keeps what was answered to a key.
 */
import { idempotencyKeySql } from "./idempotencyKeySql.ts"
import { installed } from "./InternalTables.ts"

export const install = installed("idempotency_key_created_at", idempotencyKeySql)
