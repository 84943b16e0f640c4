CREATE TYPE "admin_role" AS ENUM('viewer', 'operator', 'admin');--> statement-breakpoint
CREATE TABLE "admin_users" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "admin_users_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"email" text NOT NULL CONSTRAINT "admin_users_email_key" UNIQUE,
	"password_hash" text NOT NULL,
	"role" "admin_role" DEFAULT 'viewer'::"admin_role" NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "admin_users_email_valid" CHECK ("email" ~ '^[^[:space:]@]+@[^[:space:]@]+$' and "email" = lower("email") and char_length("email") <= 254),
	CONSTRAINT "admin_users_password_hash_valid" CHECK ("password_hash" ~ '[^[:space:]]' and char_length("password_hash") <= 500)
);
--> statement-breakpoint
CREATE INDEX "idx_events_date" ON "events" ("event_date");--> statement-breakpoint
CREATE INDEX "idx_events_status" ON "events" ("status");--> statement-breakpoint
CREATE INDEX "idx_events_organizer" ON "events" ("organizer_id");--> statement-breakpoint
CREATE INDEX "idx_events_venue" ON "events" ("venue");--> statement-breakpoint
CREATE INDEX "idx_events_price" ON "events" ("price_minor");--> statement-breakpoint
CREATE INDEX "idx_events_registration_deadline" ON "events" ("registration_deadline");--> statement-breakpoint
CREATE INDEX "idx_payment_history_registration_id" ON "payment_history" ("registration_id");--> statement-breakpoint
CREATE INDEX "idx_payment_history_payment_reference" ON "payment_history" ("payment_reference");--> statement-breakpoint
CREATE INDEX "idx_payment_history_status" ON "payment_history" ("status");--> statement-breakpoint
CREATE INDEX "idx_payment_history_transaction_date" ON "payment_history" ("transaction_date");--> statement-breakpoint
CREATE INDEX "idx_registrations_user_id" ON "registrations" ("user_id");--> statement-breakpoint
CREATE INDEX "idx_registrations_event_id" ON "registrations" ("event_id");--> statement-breakpoint
CREATE INDEX "idx_registrations_payment_status" ON "registrations" ("payment_status");--> statement-breakpoint
CREATE INDEX "idx_registrations_registration_date" ON "registrations" ("registration_date");--> statement-breakpoint
CREATE UNIQUE INDEX "idx_registrations_user_event" ON "registrations" ("user_id","event_id");--> statement-breakpoint
CREATE UNIQUE INDEX "idx_users_email" ON "users" ("email");--> statement-breakpoint
CREATE INDEX "idx_users_created_at" ON "users" ("created_at");