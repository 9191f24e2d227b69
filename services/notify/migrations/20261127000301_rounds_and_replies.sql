-- A second round by another channel: written with the first and held back until its deadline; sent when nothing reached the
-- person by then, spared when something did. And what people answer that no word explains: a person reads it.

alter table message
    drop constraint message_state_word,
    add constraint message_state_word check (state in ('held', 'queued', 'submitting', 'submitted', 'delivered', 'failed',
        'unknown', 'superseded', 'expired', 'spared'));
create index message_held on message (due_at) where state = 'held';
create index message_about_outage on message (outage_id, id) where outage_id is not null;
create index message_about_case on message (case_id, id) where case_id is not null;

create table reply (
    id uuid constraint reply_pk primary key,
    -- The latest message that the number got before it.
    message_id uuid not null constraint reply_to_message references message,
    customer_id uuid,
    org_path text not null,
    masked text not null,
    -- HMAC of the words, so that a provider who hands one answer over twice makes one row of it.
    said bytea not null constraint reply_said_size check (length(said) = 32),
    -- The words, sealed like the variables of a message.
    sealed bytea not null,
    received_at timestamptz not null,
    acknowledged_at timestamptz,
    acknowledged_by text,
    note text not null default '',
    constraint reply_acknowledged check ((acknowledged_at is null) = (acknowledged_by is null))
);
create unique index reply_open_once on reply (message_id, said) where acknowledged_at is null;
create index reply_open on reply (id) where acknowledged_at is null;
create index message_recipient on message (recipient, created_at);
drop index message_debtor;
