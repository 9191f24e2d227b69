-- Before a meter alone makes a fault the ledger is asked whether there is a reason (operations.md O8, O16, O17); and people
-- who depend on life-support are called also when they did not report.

-- The ledger was asked about this signal, or did not answer in time. What was stored until now was weighed without.
alter table evidence add column asked boolean not null default false;
create index evidence_unasked on evidence (at, id)
    where not weighed and not asked and kind in ('last_gasp', 'ping_off');

-- Customers on life-support in the set of a confirmed incident who did not report.
create table set_call (
    incident_id uuid not null constraint set_call_incident_fk references incident (id),
    customer_id uuid not null,
    service_point_id uuid not null,
    org_path text not null,
    since timestamptz not null,
    backup_until timestamptz,
    called_by text,
    called_at timestamptz,
    constraint set_call_pk primary key (incident_id, customer_id),
    constraint set_call_called_whole check ((called_by is null) = (called_at is null))
);

-- The set whose people were looked up; of a corrected device there is another set.
alter table incident add column called_set_id text;
create index incident_uncalled on incident (id)
    where state = 'open' and confirmed_by is not null and life_support and affected_set_id is not null
        and affected_set_id is distinct from called_set_id;
