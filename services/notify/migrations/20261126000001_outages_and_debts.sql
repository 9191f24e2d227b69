-- Notices of planned outages and of debts. An outage may concern 100,000 people, so the event only orders the notice;
-- it is spread in pages, and how far it came is stored with the messages of the page. What becomes of the messages is
-- told in parts (event notice.served). No debt is told to a contact that turned out to be somebody else's.

alter table message
    add column outage_id uuid,
    add column case_id uuid,
    drop constraint message_purpose_word,
    add constraint message_purpose_word check (purpose in ('accepted', 'crew_en_route', 'etr', 'restored', 'code',
        'outage_notice', 'outage_reminder', 'outage_changed', 'outage_late_start', 'outage_extended',
        'outage_cancelled', 'outage_void', 'outage_released', 'outage_safety',
        'arrears_reminder', 'arrears_disconnection', 'arrears_pre_notice', 'arrears_disconnected',
        'arrears_payment_received', 'arrears_reconnected', 'arrears_withdrawn', 'wrong_person'));
drop index message_incident;
create index message_incident on message (incident_id, id) where incident_id is not null;
create index message_outage on message (outage_id) where outage_id is not null and state = 'queued';
create index message_case on message (case_id) where case_id is not null;
create index message_debtor on message (recipient, created_at) where case_id is not null;

-- One ordered notice; the subject of its messages.
create table notice (
    id uuid constraint notice_pk primary key,
    ordered bigint generated always as identity,
    outage_id uuid,
    case_id uuid,
    plan_no integer not null,
    kind text not null,
    org_path text not null,
    -- Who goes first; like the rank of its messages.
    rank smallint not null,
    -- The event as it came; empty where everybody was told at once.
    payload bytea not null,
    state text not null constraint notice_state_word check (state in ('spreading', 'spread', 'ended', 'failed')),
    -- Where the next page begins; moved in the transaction of the page's messages.
    page text not null default '',
    -- Why it failed.
    reason text not null default '',
    -- Parts told so far.
    told bigint not null default 0,
    ordered_at timestamptz not null,
    traceparent text not null,
    constraint notice_about check ((outage_id is null) <> (case_id is null))
);
create index notice_spreading on notice (rank, ordered) where state = 'spreading';
create index notice_outage on notice (outage_id, ordered) where outage_id is not null;

-- Others who share the contact of a message: told by it, and proven by it.
create table also_told (
    message_id uuid constraint also_told_message references message,
    customer_id uuid not null,
    constraint also_told_once primary key (message_id, customer_id)
);
create index also_told_customer on also_told (customer_id);

-- Who has no contact at all for a notice; said once.
create table unreached (
    notice_id uuid constraint unreached_notice references notice,
    customer_id uuid not null,
    constraint unreached_once primary key (notice_id, customer_id)
);

-- What became of messages and is not told yet; deleted in the transaction that tells it.
create table result (
    id bigint generated always as identity constraint result_pk primary key,
    notice_id uuid not null constraint result_of_notice references notice,
    customer_id uuid not null,
    channel text not null constraint result_channel_word check (channel in ('sms', 'email', 'none')),
    result text not null constraint result_word check (result in ('delivered', 'failed', 'wrong_person')),
    at timestamptz not null
);
create index result_notice on result (notice_id, id);

-- Contacts that are somebody else's. The value is not stored: an HMAC of it, as in a message.
create table wrong_contact (
    id uuid constraint wrong_contact_pk primary key,
    customer_id uuid not null,
    channel text not null constraint wrong_contact_channel_word check (channel in ('sms', 'email')),
    recipient bytea not null constraint wrong_contact_recipient_size check (length(recipient) = 32),
    masked text not null,
    reported_at timestamptz not null,
    reported_by text not null,
    note text not null,
    withdrawn_at timestamptz,
    withdrawn_by text,
    withdrawn_reason text,
    constraint wrong_contact_withdrawn check
        ((withdrawn_at is null) = (withdrawn_by is null) and (withdrawn_at is null) = (withdrawn_reason is null))
);
create unique index wrong_contact_once on wrong_contact (customer_id, channel, recipient) where withdrawn_at is null;
