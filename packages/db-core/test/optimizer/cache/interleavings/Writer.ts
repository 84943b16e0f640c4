/** Writes once, through this process: what the executor tells the fences is told here. */
import * as Exit from "effect/Exit"
import type { ModelDatabase } from "./ModelDatabase.ts"
import { writeSql } from "./Oracle.ts"
import type { Process } from "./Process.ts"
import type { Promises } from "./Promises.ts"
import type { Scenario } from "./Scenario.ts"
import type { Step } from "./Step.ts"

export class Writer {
  private readonly plan: Scenario["writer"]
  private readonly database: ModelDatabase
  private readonly process: Process
  private readonly promises: Promises
  private state: "idle" | "wrote" | "read" | "sent" | "visible" | "over" = "idle"
  private xid: bigint | undefined
  private settle: (() => void) | undefined

  constructor(plan: Scenario["writer"], database: ModelDatabase, process: Process, promises: Promises) {
    this.plan = plan
    this.database = database
    this.process = process
    this.promises = promises
  }

  /** It will change nothing any more that a snapshot sees. */
  get isOver(): boolean {
    return this.plan === undefined || this.state === "visible" || this.state === "over"
  }

  *steps(): Generator<Step> {
    switch (this.state) {
      case "idle":
        if (this.plan === "statement") yield this.send("the writer's UPDATE is sent")
        else if (this.plan !== undefined) yield this.write
        break
      case "wrote":
        yield this.read
        break
      case "read":
        if (this.plan === "rollback") yield this.rollBack
        else yield this.send("the writer's COMMIT is sent")
        break
      case "sent":
        yield this.commit
        break
      case "visible":
        if (this.plan !== "unanswered") yield this.acknowledge
        break
      case "over":
    }
    if (this.plan === "unanswered" && this.settle !== undefined) yield this.giveUp(this.settle)
  }

  private get write(): Step {
    return {
      label: "the writer's transaction writes",
      reads: [],
      writes: ["log"],
      run: () => {
        this.xid = this.database.begin("writer")
        this.state = "wrote"
      }
    }
  }

  private get read(): Step {
    return {
      label: "the writer reads (A) in its transaction",
      reads: ["clock", "tables"],
      writes: ["A"],
      run: () => {
        this.state = "read"
        this.process.read("A", "bounded", undefined, this.xid).addObserver((exit) => {
          if (Exit.isSuccess(exit) && exit.value.includes("writer")) return
          this.promises.broken("own write", "the writer's transaction did not see what it wrote")
        })
      }
    }
  }

  private get rollBack(): Step {
    return {
      label: "the writer rolls back",
      reads: [],
      writes: ["log"],
      run: () => {
        this.database.rollback(this.xid!)
        this.state = "over"
      }
    }
  }

  private send(label: string): Step {
    return {
      label,
      reads: [],
      writes: ["tables", "log"],
      run: () => {
        const { hooks } = this.process.fences
        if (this.xid === undefined) this.settle = hooks.writing(writeSql)
        else {
          const transaction = hooks.transaction()
          transaction.statement(writeSql)
          this.settle = transaction.committing()
        }
        this.xid ??= this.database.begin("writer")
        this.state = "sent"
      }
    }
  }

  private get commit(): Step {
    return {
      label: "the writer's commit is visible",
      reads: [],
      writes: ["writer"],
      run: () => {
        this.database.commit(this.xid!)
        this.promises.commits("writer")
        this.state = "visible"
      }
    }
  }

  private get acknowledge(): Step {
    return {
      label: "the writer's commit is acknowledged",
      reads: [],
      writes: ["tables"],
      run: () => {
        this.settle?.()
        this.promises.acknowledges("writer", this.process.now)
        this.state = "over"
      }
    }
  }

  /** It may be visible already, or become so later. */
  private giveUp(settle: () => void): Step {
    return {
      label: "the writer is told that nobody knows",
      reads: [],
      writes: ["tables", "writer"],
      run: () => {
        settle()
        this.settle = undefined
        this.promises.givesUp()
      }
    }
  }
}
