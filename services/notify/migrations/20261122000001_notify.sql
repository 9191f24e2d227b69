-- Messages to people and every attempt to hand one over, so that it can be shown who was told what and when, and so
-- that nobody is told the same thing twice. Contact values are never stored: a message names the contact, and keeps
-- an HMAC of the value (to tell one person with several accounts once) and its masked tail.

-- What messages need to know of an incident: the number people can quote, the zone of its clock.
create table incident (
    id uuid constraint incident_pk primary key,
    version bigint not null,
    number text not null,
    zone text not null,
    org_path text not null,
    -- Order and event version of the latest estimate: an older one that comes late says nothing.
    etr_order uuid,
    etr_version bigint not null default 0
);

create table message (
    id uuid constraint message_pk primary key,
    purpose text not null
        constraint message_purpose_word check (purpose in ('accepted', 'crew_en_route', 'etr', 'restored', 'code')),
    -- What it is about (report, order, ledger step, command) and which version of that.
    subject uuid not null,
    version bigint not null,
    incident_id uuid,
    customer_id uuid,
    contact_id uuid,
    report_id uuid,
    org_path text not null,
    channel text not null constraint message_channel_word check (channel in ('sms', 'email')),
    recipient bytea not null constraint message_recipient_size check (length(recipient) = 32),
    masked text not null,
    -- Reporters: the night does not put their messages off (operations.md O20).
    night boolean not null,
    zone text not null,
    language text not null constraint message_language_word check (language in ('zh-CN', 'en')),
    template text not null,
    template_version integer not null,
    -- The variables, sealed (XChaCha20-Poly1305) and bound to this row.
    sealed bytea not null,
    rank smallint not null,
    state text not null default 'queued' constraint message_state_word check (state in
        ('queued', 'submitting', 'submitted', 'delivered', 'failed', 'unknown', 'superseded', 'expired')),
    created_at timestamptz not null,
    due_at timestamptz not null,
    expires_at timestamptz not null,
    tries integer not null default 0,
    segments smallint not null default 0,
    submitted_at timestamptz,
    delivered_at timestamptz,
    -- Why it stands where it stands, in words without personal data.
    reason text not null default '',
    traceparent text not null,
    constraint message_once unique (purpose, subject, version, recipient, channel),
    constraint message_addressed check
        (report_id is not null or (customer_id is not null and contact_id is not null))
);
create index message_due on message (channel, rank, due_at) where state = 'queued';
create index message_expiring on message (expires_at) where state = 'queued';
create index message_incident on message (incident_id, id);
create index message_customer on message (customer_id, id);

-- One row per segment and try; written before the call, outcome and receipt are added as they come.
create table attempt (
    id uuid constraint attempt_pk primary key,
    message_id uuid not null constraint attempt_of_message references message,
    segment smallint not null,
    provider text not null,
    -- The two octets that travel as user_message_reference; confirms a match, does not make one.
    wire_reference integer not null,
    begun_at timestamptz not null,
    outcome text not null default 'submitting' constraint attempt_outcome_word check (outcome in
        ('submitting', 'accepted', 'transient', 'permanent', 'throttled', 'unsent', 'unknown')),
    status bigint,
    reason text not null default '',
    -- In the one normal form.
    provider_message_id text,
    answered_at timestamptz,
    receipt_state text,
    receipt_error text,
    receipt_at timestamptz
);
create index attempt_message on attempt (message_id, segment, id);
create index attempt_provider_id on attempt (provider, provider_message_id) where provider_message_id is not null;
create index attempt_open on attempt (provider) where outcome = 'submitting';
create index attempt_unknown on attempt (provider, wire_reference) where outcome = 'unknown';

-- Receipts that came before the answer to their submit; matched again when it is there, kept 24 h.
create table parked_receipt (
    id uuid constraint parked_receipt_pk primary key,
    provider text not null,
    provider_message_id text,
    state text not null,
    error text,
    wire_reference integer,
    recipient bytea not null,
    received_at timestamptz not null,
    constraint parked_receipt_once unique nulls not distinct (provider, provider_message_id, state, wire_reference, recipient)
);
