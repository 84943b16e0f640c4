/** Makes the server itself say what a fault wants to hear, with the state that goes with it. */
import type { Arena } from "../Arena.ts"

/** Nothing takes `nextval` back: the sequence counts what was refused, however it ended. */
export const refusals = async (arena: Arena): Promise<number> => {
  const [row] = await arena.sql("select last_value - 1 as n from refusals")
  return Number(row?.["n"])
}

/** Refuses a share of the INSERTs with this SQLSTATE. */
export const refusing = (code: string, share: string, message = "refused") => `
  create or replace function refusing() returns trigger language plpgsql as $$
  begin
    if random() < ${share} then perform nextval('refusals'); raise exception '${message}' using errcode = '${code}'; end if;
    return new;
  end $$;
  create trigger refusing before insert on h for each row execute function refusing()`

/** The same at COMMIT. */
export const refusingAtCommit = (code: string, share: string) => `
  create or replace function refusing() returns trigger language plpgsql as $$
  begin
    if random() < ${share} then perform nextval('refusals'); raise exception 'refused' using errcode = '${code}'; end if;
    return null;
  end $$;
  create constraint trigger refusing after insert on h deferrable initially deferred
    for each row execute function refusing()`

export const slow = (seconds: number) => `
  create or replace function slow() returns trigger language plpgsql as $$
  begin perform pg_sleep(${seconds}); return new; end $$;
  create trigger slow before insert on h for each row execute function slow()`

/** COMMIT takes so long. */
export const slowCommit = (seconds: number) => `
  create or replace function slow() returns trigger language plpgsql as $$
  begin perform pg_sleep(${seconds}); return null; end $$;
  create constraint trigger slow after insert on h deferrable initially deferred for each row execute function slow()`

/** Two rows locked in an order that depends on the caller: real deadlocks. */
export const deadlocks = `
  create table two (n int primary key, v int not null);
  insert into two values (0, 0), (1, 0);
  grant all on two to public;
  create or replace function deadlocks() returns trigger language plpgsql as $$
  begin
    update two set v = v + 1 where n = new.worker % 2;
    perform pg_sleep(0.003);
    update two set v = v + 1 where n = (new.worker + 1) % 2;
    return new;
  end $$;
  create trigger deadlocks before insert on h for each row execute function deadlocks()`

/** Every INSERT reads and writes one counter: real serialization failures above read committed. */
export const conflicts = `
  create table counter (v int not null);
  insert into counter values (0);
  grant all on counter to public;
  create or replace function conflicts() returns trigger language plpgsql as $$
  begin
    perform nextval('refusals');
    perform pg_sleep(0.002);
    update counter set v = v + 1;
    return new;
  end $$;
  create trigger conflicts before insert on h for each row execute function conflicts()`
