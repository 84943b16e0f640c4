-- The structure of the database. Generated from a migrated database: never edit it by hand.

-- enum: public.admin_role
CREATE TYPE public.admin_role AS ENUM ('viewer', 'operator', 'admin');

-- enum: public.event_status
CREATE TYPE public.event_status AS ENUM ('draft', 'published', 'cancelled', 'completed');

-- enum: public.payment_status
CREATE TYPE public.payment_status AS ENUM ('pending', 'paid', 'failed', 'refunded');

-- function: public.set_updated_at()
CREATE OR REPLACE FUNCTION public.set_updated_at()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  new.updated_at := pg_catalog.clock_timestamp();
  return new;
end
$function$;

-- table: public.admin_users
CREATE TABLE public.admin_users (
  id bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME public.admin_users_id_seq) NOT NULL,
  email text NOT NULL,
  password_hash text NOT NULL,
  role public.admin_role DEFAULT 'viewer'::public.admin_role NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  updated_at timestamp with time zone DEFAULT now() NOT NULL
);

-- table: public.events
CREATE TABLE public.events (
  id bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME public.events_id_seq) NOT NULL,
  public_id uuid DEFAULT gen_random_uuid() NOT NULL,
  organizer_id bigint NOT NULL,
  title text NOT NULL,
  description text DEFAULT ''::text NOT NULL,
  venue text NOT NULL,
  status public.event_status DEFAULT 'draft'::public.event_status NOT NULL,
  event_date timestamp with time zone NOT NULL,
  registration_deadline timestamp with time zone NOT NULL,
  capacity integer NOT NULL,
  price_minor bigint NOT NULL,
  currency character(3) NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  updated_at timestamp with time zone DEFAULT now() NOT NULL
);

-- table: public.payment_history
CREATE TABLE public.payment_history (
  id bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME public.payment_history_id_seq) NOT NULL,
  registration_id bigint NOT NULL,
  payment_reference text NOT NULL,
  amount_minor bigint NOT NULL,
  currency character(3) NOT NULL,
  status public.payment_status DEFAULT 'pending'::public.payment_status NOT NULL,
  transaction_date timestamp with time zone DEFAULT now() NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  updated_at timestamp with time zone DEFAULT now() NOT NULL
);

-- table: public.refresh_tokens
CREATE TABLE public.refresh_tokens (
  id bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME public.refresh_tokens_id_seq) NOT NULL,
  admin_user_id bigint NOT NULL,
  family_id uuid DEFAULT gen_random_uuid() NOT NULL,
  token_hash text NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  used_at timestamp with time zone,
  revoked_at timestamp with time zone,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  updated_at timestamp with time zone DEFAULT now() NOT NULL
);

-- table: public.registrations
CREATE TABLE public.registrations (
  id bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME public.registrations_id_seq) NOT NULL,
  public_id uuid DEFAULT gen_random_uuid() NOT NULL,
  user_id bigint NOT NULL,
  event_id bigint NOT NULL,
  quantity integer DEFAULT 1 NOT NULL,
  amount_minor bigint NOT NULL,
  currency character(3) NOT NULL,
  payment_status public.payment_status DEFAULT 'pending'::public.payment_status NOT NULL,
  registration_date timestamp with time zone DEFAULT now() NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  updated_at timestamp with time zone DEFAULT now() NOT NULL
);

-- table: public.users
CREATE TABLE public.users (
  id bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME public.users_id_seq) NOT NULL,
  public_id uuid DEFAULT gen_random_uuid() NOT NULL,
  email text NOT NULL,
  name text NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  updated_at timestamp with time zone DEFAULT now() NOT NULL
);

-- constraint: public.admin_users.admin_users_email_key
ALTER TABLE public.admin_users ADD CONSTRAINT admin_users_email_key UNIQUE (email);

-- constraint: public.admin_users.admin_users_email_valid
ALTER TABLE public.admin_users ADD CONSTRAINT admin_users_email_valid CHECK (((email ~ '^[^[:space:]@]+@[^[:space:]@]+$'::text) AND (email = lower(email)) AND (char_length(email) <= 254)));

-- constraint: public.admin_users.admin_users_password_hash_valid
ALTER TABLE public.admin_users ADD CONSTRAINT admin_users_password_hash_valid CHECK (((password_hash ~ '[^[:space:]]'::text) AND (char_length(password_hash) <= 500)));

-- constraint: public.admin_users.admin_users_pkey
ALTER TABLE public.admin_users ADD CONSTRAINT admin_users_pkey PRIMARY KEY (id);

-- constraint: public.events.events_capacity_positive
ALTER TABLE public.events ADD CONSTRAINT events_capacity_positive CHECK ((capacity > 0));

-- constraint: public.events.events_currency_valid
ALTER TABLE public.events ADD CONSTRAINT events_currency_valid CHECK ((currency ~ '^[A-Z]{3}$'::text));

-- constraint: public.events.events_deadline_not_after_event
ALTER TABLE public.events ADD CONSTRAINT events_deadline_not_after_event CHECK ((registration_deadline <= event_date));

-- constraint: public.events.events_description_valid
ALTER TABLE public.events ADD CONSTRAINT events_description_valid CHECK ((char_length(description) <= 10000));

-- constraint: public.events.events_pkey
ALTER TABLE public.events ADD CONSTRAINT events_pkey PRIMARY KEY (id);

-- constraint: public.events.events_price_not_negative
ALTER TABLE public.events ADD CONSTRAINT events_price_not_negative CHECK ((price_minor >= 0));

-- constraint: public.events.events_public_id_key
ALTER TABLE public.events ADD CONSTRAINT events_public_id_key UNIQUE (public_id);

-- constraint: public.events.events_title_valid
ALTER TABLE public.events ADD CONSTRAINT events_title_valid CHECK (((title ~ '[^[:space:]]'::text) AND (char_length(title) <= 200)));

-- constraint: public.events.events_venue_valid
ALTER TABLE public.events ADD CONSTRAINT events_venue_valid CHECK (((venue ~ '[^[:space:]]'::text) AND (char_length(venue) <= 200)));

-- constraint: public.payment_history.payment_history_amount_not_negative
ALTER TABLE public.payment_history ADD CONSTRAINT payment_history_amount_not_negative CHECK ((amount_minor >= 0));

-- constraint: public.payment_history.payment_history_currency_valid
ALTER TABLE public.payment_history ADD CONSTRAINT payment_history_currency_valid CHECK ((currency ~ '^[A-Z]{3}$'::text));

-- constraint: public.payment_history.payment_history_pkey
ALTER TABLE public.payment_history ADD CONSTRAINT payment_history_pkey PRIMARY KEY (id);

-- constraint: public.payment_history.payment_history_reference_valid
ALTER TABLE public.payment_history ADD CONSTRAINT payment_history_reference_valid CHECK (((payment_reference ~ '[^[:space:]]'::text) AND (char_length(payment_reference) <= 200)));

-- constraint: public.refresh_tokens.refresh_tokens_expires_after_creation
ALTER TABLE public.refresh_tokens ADD CONSTRAINT refresh_tokens_expires_after_creation CHECK ((expires_at > created_at));

-- constraint: public.refresh_tokens.refresh_tokens_pkey
ALTER TABLE public.refresh_tokens ADD CONSTRAINT refresh_tokens_pkey PRIMARY KEY (id);

-- constraint: public.refresh_tokens.refresh_tokens_token_hash_key
ALTER TABLE public.refresh_tokens ADD CONSTRAINT refresh_tokens_token_hash_key UNIQUE (token_hash);

-- constraint: public.refresh_tokens.refresh_tokens_token_hash_valid
ALTER TABLE public.refresh_tokens ADD CONSTRAINT refresh_tokens_token_hash_valid CHECK ((token_hash ~ '^[0-9a-f]{64}$'::text));

-- constraint: public.registrations.registrations_amount_not_negative
ALTER TABLE public.registrations ADD CONSTRAINT registrations_amount_not_negative CHECK ((amount_minor >= 0));

-- constraint: public.registrations.registrations_currency_valid
ALTER TABLE public.registrations ADD CONSTRAINT registrations_currency_valid CHECK ((currency ~ '^[A-Z]{3}$'::text));

-- constraint: public.registrations.registrations_pkey
ALTER TABLE public.registrations ADD CONSTRAINT registrations_pkey PRIMARY KEY (id);

-- constraint: public.registrations.registrations_public_id_key
ALTER TABLE public.registrations ADD CONSTRAINT registrations_public_id_key UNIQUE (public_id);

-- constraint: public.registrations.registrations_quantity_positive
ALTER TABLE public.registrations ADD CONSTRAINT registrations_quantity_positive CHECK ((quantity > 0));

-- constraint: public.users.users_email_valid
ALTER TABLE public.users ADD CONSTRAINT users_email_valid CHECK (((email ~ '^[^[:space:]@]+@[^[:space:]@]+$'::text) AND (email = lower(email)) AND (char_length(email) <= 254)));

-- constraint: public.users.users_name_valid
ALTER TABLE public.users ADD CONSTRAINT users_name_valid CHECK (((name ~ '[^[:space:]]'::text) AND (char_length(name) <= 200)));

-- constraint: public.users.users_pkey
ALTER TABLE public.users ADD CONSTRAINT users_pkey PRIMARY KEY (id);

-- constraint: public.users.users_public_id_key
ALTER TABLE public.users ADD CONSTRAINT users_public_id_key UNIQUE (public_id);

-- constraint: public.events.events_organizer_id_users_id_fkey
ALTER TABLE public.events ADD CONSTRAINT events_organizer_id_users_id_fkey FOREIGN KEY (organizer_id) REFERENCES public.users(id) ON DELETE RESTRICT;

-- constraint: public.payment_history.payment_history_registration_id_registrations_id_fkey
ALTER TABLE public.payment_history ADD CONSTRAINT payment_history_registration_id_registrations_id_fkey FOREIGN KEY (registration_id) REFERENCES public.registrations(id) ON DELETE RESTRICT;

-- constraint: public.refresh_tokens.refresh_tokens_admin_user_id_admin_users_id_fkey
ALTER TABLE public.refresh_tokens ADD CONSTRAINT refresh_tokens_admin_user_id_admin_users_id_fkey FOREIGN KEY (admin_user_id) REFERENCES public.admin_users(id) ON DELETE CASCADE;

-- constraint: public.registrations.registrations_event_id_events_id_fkey
ALTER TABLE public.registrations ADD CONSTRAINT registrations_event_id_events_id_fkey FOREIGN KEY (event_id) REFERENCES public.events(id) ON DELETE RESTRICT;

-- constraint: public.registrations.registrations_user_id_users_id_fkey
ALTER TABLE public.registrations ADD CONSTRAINT registrations_user_id_users_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE RESTRICT;

-- index: public.idx_events_date
CREATE INDEX idx_events_date ON public.events USING btree (event_date);

-- index: public.idx_events_organizer
CREATE INDEX idx_events_organizer ON public.events USING btree (organizer_id);

-- index: public.idx_events_price
CREATE INDEX idx_events_price ON public.events USING btree (price_minor);

-- index: public.idx_events_registration_deadline
CREATE INDEX idx_events_registration_deadline ON public.events USING btree (registration_deadline);

-- index: public.idx_events_status
CREATE INDEX idx_events_status ON public.events USING btree (status);

-- index: public.idx_events_venue
CREATE INDEX idx_events_venue ON public.events USING btree (venue);

-- index: public.idx_payment_history_payment_reference
CREATE INDEX idx_payment_history_payment_reference ON public.payment_history USING btree (payment_reference);

-- index: public.idx_payment_history_registration_id
CREATE INDEX idx_payment_history_registration_id ON public.payment_history USING btree (registration_id);

-- index: public.idx_payment_history_status
CREATE INDEX idx_payment_history_status ON public.payment_history USING btree (status);

-- index: public.idx_payment_history_transaction_date
CREATE INDEX idx_payment_history_transaction_date ON public.payment_history USING btree (transaction_date);

-- index: public.idx_registrations_event_id
CREATE INDEX idx_registrations_event_id ON public.registrations USING btree (event_id);

-- index: public.idx_registrations_payment_status
CREATE INDEX idx_registrations_payment_status ON public.registrations USING btree (payment_status);

-- index: public.idx_registrations_registration_date
CREATE INDEX idx_registrations_registration_date ON public.registrations USING btree (registration_date);

-- index: public.idx_registrations_user_event
CREATE UNIQUE INDEX idx_registrations_user_event ON public.registrations USING btree (user_id, event_id);

-- index: public.idx_registrations_user_id
CREATE INDEX idx_registrations_user_id ON public.registrations USING btree (user_id);

-- index: public.idx_users_created_at
CREATE INDEX idx_users_created_at ON public.users USING btree (created_at);

-- index: public.idx_users_email
CREATE UNIQUE INDEX idx_users_email ON public.users USING btree (email);

-- index: public.refresh_tokens_admin_user_id_idx
CREATE INDEX refresh_tokens_admin_user_id_idx ON public.refresh_tokens USING btree (admin_user_id);

-- index: public.refresh_tokens_expires_at_idx
CREATE INDEX refresh_tokens_expires_at_idx ON public.refresh_tokens USING btree (expires_at);

-- index: public.refresh_tokens_family_id_idx
CREATE INDEX refresh_tokens_family_id_idx ON public.refresh_tokens USING btree (family_id);

-- trigger: public.admin_users.set_updated_at
CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.admin_users FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.set_updated_at();

-- trigger: public.events.set_updated_at
CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.events FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.set_updated_at();

-- trigger: public.payment_history.set_updated_at
CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.payment_history FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.set_updated_at();

-- trigger: public.refresh_tokens.set_updated_at
CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.refresh_tokens FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.set_updated_at();

-- trigger: public.registrations.set_updated_at
CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.registrations FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.set_updated_at();

-- trigger: public.users.set_updated_at
CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.users FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.set_updated_at();
