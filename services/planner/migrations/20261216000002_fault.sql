-- An important customer whom a fault switched off is told at once, asked to confirm, and called when silent (operations.md O23):
-- a warning like that of one supply left. Its times are those the policy pack had when it began; those of before had these.
alter table reliability_warning
    add column kind text not null default 'supply'
        constraint reliability_warning_kind_word check (kind in ('supply', 'fault')),
    add column etr_at timestamptz,
    add column tell_after_s integer not null default 120,
    add column account_manager_after_s integer not null default 900,
    add column duty_manager_after_s integer not null default 1800,
    drop constraint reliability_warning_supplies,
    add constraint reliability_warning_supplies check (supplies > case kind when 'fault' then 0 else 1 end),
    add constraint reliability_warning_fault check (kind <> 'fault' or (basis_kind = 'incident' and basis_id is not null));

drop index reliability_warning_open;
-- One of a kind at a time for a customer.
create unique index reliability_warning_open on reliability_warning (customer_id, kind) where ended_at is null;
create index reliability_warning_incident on reliability_warning (basis_id) where kind = 'fault' and ended_at is null;

-- What was seen of an incident: the affected set whose important customers are warned, and the estimate.
create table fault (
    incident_id uuid constraint fault_pk primary key,
    set_id uuid,
    etr_at timestamptz
);
