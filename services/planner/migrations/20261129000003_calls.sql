-- Calls by telephone, each tied to the number that was called, so that a proof says who was reached. Attempts that reached
-- nobody are kept as well and prove nothing.
create table call (
    id uuid constraint call_pk primary key,
    outage_id uuid not null,
    plan_no integer not null,
    customer_id uuid not null,
    purpose text not null constraint call_purpose_word check (purpose in ('notice', 'late_start', 'acknowledgement')),
    -- Of the registry.
    contact_id uuid not null,
    -- The number as it was then, sealed by the registry and bound to the customer; only the registry's keys open it.
    number_sealed bytea not null constraint call_sealed_size check (length(number_sealed) between 41 and 400),
    seal_key text not null constraint call_seal_key_size check (length(seal_key) between 1 and 128),
    outcome text not null constraint call_outcome_word check (outcome in ('reached', 'no_answer', 'wrong_person', 'invalid_number')),
    called_by text not null,
    at timestamptz not null,
    constraint call_recipient foreign key (outage_id, customer_id) references recipient,
    -- What a proof refers to, so that one that reached nobody proves nothing.
    constraint call_outcome_unique unique (id, outcome)
);
create index call_outage on call (outage_id, id desc);
create function call_stays() returns trigger language plpgsql as $$
begin
    raise exception 'a call is never changed' using errcode = 'integrity_constraint_violation';
end $$;
create trigger call_stays before update or delete on call for each row execute function call_stays();

-- Of calls noted before there was nothing to tie: what is added from now on is tied.
alter table evidence
    add column call_id uuid,
    add column call_outcome text constraint evidence_call_reached check (call_outcome = 'reached'),
    add constraint evidence_of_call foreign key (call_id, call_outcome) references call (id, outcome),
    add constraint evidence_call_whole check ((call_id is null) = (call_outcome is null)),
    add constraint evidence_call_tied check (channel <> 'call' or call_id is not null) not valid;
alter table acknowledgement
    add column call_id uuid,
    add column call_outcome text constraint acknowledgement_call_reached check (call_outcome = 'reached'),
    add constraint acknowledgement_of_call foreign key (call_id, call_outcome) references call (id, outcome),
    add constraint acknowledgement_call_whole check ((call_id is null) = (call_outcome is null));
