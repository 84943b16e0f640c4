/** `GET /api/db/migrations`, `emsdb migrate plan|lint|status|repair --json` and `emsdb drift --json`. */
import * as Schema from "effect/Schema"
import { Finding } from "./Checks.ts"
import { pageOf, pageQuery } from "./Page.ts"
import { Count, Milliseconds, Text } from "./Scalars.ts"

/** What a run would do now. */
export const MigrationPlan = Schema.Struct({
  migrations: Schema.Array(Schema.Struct({
    name: Text,
    /** What is left of it, in order. */
    steps: Schema.Array(Schema.Struct({
      /** `transaction`: all of it or nothing. `outside`: one statement that cannot run in one. */
      kind: Schema.Literals(["transaction", "outside"]),
      /** How long it queues for a lock before it lets others pass; null for no limit. */
      lockTimeout: Schema.NullOr(Milliseconds),
      statements: Schema.Array(Schema.Struct({
        /** Of its file, from 1. */
        line: Count,
        /** Such as `ALTER TABLE`. */
        command: Text,
        text: Text,
        locks: Schema.Array(Schema.Struct({
          table: Text,
          /** Such as `ACCESS EXCLUSIVE`. */
          mode: Text,
          /** A pending statement before it makes the table. */
          isNew: Schema.Boolean,
          /** Estimates; null where nobody knows. */
          rows: Schema.NullOr(Schema.Finite),
          bytes: Schema.NullOr(Count)
        })),
        /** It may take more locks than its text tells. */
        isOpaque: Schema.Boolean
      }))
    }))
  }))
})
export type MigrationPlan = typeof MigrationPlan.Type

export const MigrationLint = Schema.Struct({
  findings: Schema.Array(Finding),
  /** Accepted in a comment. */
  ignored: Schema.Array(Schema.Struct({ name: Text, migration: Text, line: Count, reason: Text }))
})
export type MigrationLint = typeof MigrationLint.Type

export const MigrationStatus = Schema.Struct({
  applied: Schema.Array(Schema.String),
  pending: Schema.Array(Schema.String),
  /** Of `pending`: some of their statements have run. */
  begun: Schema.Array(Schema.String),
  /** Of `applied`: their files have changed since. */
  edited: Schema.Array(Schema.String),
  /** Of `applied`: their files are gone. */
  missing: Schema.Array(Schema.String)
})
export type MigrationStatus = typeof MigrationStatus.Type

export const MigrationsQuery = pageQuery(["name"])

/** Of all migrations: those of the journal in its order, and behind them those that are pending. */
export const Migrations = Schema.Struct({
  ...pageOf(Schema.Struct({
    /** Of its folder, which begins with the time it was made. */
    name: Schema.String,
    state: Schema.Literals(["applied", "pending"]),
    /** It is pending, and some of its statements have run. */
    isBegun: Schema.Boolean,
    /** It is applied, and its file has changed since. */
    isEdited: Schema.Boolean,
    /** It is applied, and its file is gone. */
    isMissing: Schema.Boolean
  })).fields,
  /** Of all pages. */
  counts: Schema.Struct({ applied: Count, pending: Count, begun: Count, edited: Count, missing: Count })
})
export type Migrations = typeof Migrations.Type

export const MigrationRepair = Schema.Struct({
  /** What was found and done, one sentence each. */
  repaired: Schema.Array(Text)
})
export type MigrationRepair = typeof MigrationRepair.Type

export const Drift = Schema.Struct({
  differences: Schema.Array(Schema.Struct({
    /** What the database was compared with. */
    against: Schema.Literals(["tables", "migrations"]),
    kind: Text,
    /** As `schema.name`, or `schema.table.name` for what belongs to a table. */
    object: Text,
    /** Null where it should not be there. */
    expected: Schema.NullOr(Schema.String),
    /** Null where it is not there. */
    actual: Schema.NullOr(Schema.String)
  }))
})
export type Drift = typeof Drift.Type
