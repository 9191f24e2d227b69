-- When a report was left out of the evidence and taken in again: decisions of that time are made again without it.
create table evidence_out (
    evidence_id uuid not null constraint evidence_out_fk references evidence (id) on delete cascade,
    -- Numbers of stirred.times: left out from this one ...
    from_stirred bigint not null,
    -- ... until this one.
    until_stirred bigint not null,
    constraint evidence_out_pk primary key (evidence_id, from_stirred),
    constraint evidence_out_span check (from_stirred < until_stirred)
);
