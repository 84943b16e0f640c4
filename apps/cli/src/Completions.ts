/**
 * `--completions`: the script that completes command lines in a shell. Effect's own leaves out the flags that every
 * command has, and takes the value of one for a command.
 */
import * as Command from "effect/cli/Command"
import * as Completions from "effect/cli/Completions"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** Of them nobody says `--no-help`. */
const described = (builtIns: ReadonlyArray<GlobalFlag.BuiltIn>): ReadonlyArray<Completions.FlagDescriptor> => {
  const config = Object.fromEntries(builtIns.map(({ flag }, at) => [at, flag]))
  return Completions.fromCommand(Command.make("all", config)).flags.map((flag) => ({ ...flag, negation: false }))
}

const withFlags = (
  command: Completions.CommandDescriptor,
  flags: ReadonlyArray<Completions.FlagDescriptor>
): Completions.CommandDescriptor => ({
  ...command,
  flags: [...command.flags, ...flags],
  subcommands: command.subcommands.map((each) => withFlags(each, flags))
})

export const completions = GlobalFlag.Action({
  flag: GlobalFlag.Completions.flag,
  run: Effect.fnUntraced(function*(shell, { builtIns, command }) {
    if (Option.isNone(shell)) return
    const descriptor = withFlags(Completions.fromCommand(command), described(builtIns))
    yield* Console.log(Completions.generate(command.name, shell.value, descriptor))
  })
})
