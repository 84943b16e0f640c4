-- The time of the change itself, not of its transaction: writers of one row wait for each other, so a later change
-- always carries a later instant, also when its transaction began first.
-- The empty search_path keeps a caller's schemas from supplying the functions used here.
CREATE FUNCTION "public"."set_updated_at"() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
begin
  new.updated_at := pg_catalog.clock_timestamp();
  return new;
end
$$;
--> statement-breakpoint
CREATE TRIGGER "set_updated_at" BEFORE UPDATE ON "public"."users" FOR EACH ROW
  WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION "public"."set_updated_at"();
--> statement-breakpoint
CREATE TRIGGER "set_updated_at" BEFORE UPDATE ON "public"."admin_users" FOR EACH ROW
  WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION "public"."set_updated_at"();
--> statement-breakpoint
CREATE TRIGGER "set_updated_at" BEFORE UPDATE ON "public"."events" FOR EACH ROW
  WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION "public"."set_updated_at"();
--> statement-breakpoint
CREATE TRIGGER "set_updated_at" BEFORE UPDATE ON "public"."registrations" FOR EACH ROW
  WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION "public"."set_updated_at"();
--> statement-breakpoint
CREATE TRIGGER "set_updated_at" BEFORE UPDATE ON "public"."payment_history" FOR EACH ROW
  WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION "public"."set_updated_at"();
--> statement-breakpoint
CREATE TRIGGER "set_updated_at" BEFORE UPDATE ON "public"."refresh_tokens" FOR EACH ROW
  WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION "public"."set_updated_at"();
