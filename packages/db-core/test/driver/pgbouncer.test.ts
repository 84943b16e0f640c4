import { findPgBouncer } from "@ems/db-testing"
import { driverSuite } from "./suite.ts"

driverSuite(
  "pgbouncer",
  findPgBouncer() === undefined ? "this machine has no PgBouncer; Debian has it as a package" : undefined
)
