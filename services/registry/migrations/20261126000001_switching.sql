-- How the network is switched now, who switched it on whose word, and what telemetry says about it.

-- Devices somebody or something switched since they were last as drawn; one that is normal again stays, with its source.
create table device_state (
    device_key text constraint device_state_pk primary key,
    device_id text not null,
    closed boolean not null,
    source text not null constraint device_state_source check (source in ('manual', 'telemetry')),
    -- The switching that did it; null when it went by itself.
    switching_id uuid,
    at timestamptz not null
);

-- The last word of telemetry about each device. It does not change what was set by hand: the contradiction is shown.
create table device_telemetry (
    device_key text constraint device_telemetry_pk primary key,
    device_id text not null,
    closed boolean not null,
    at timestamptz not null,
    received_at timestamptz not null
);

-- One row per switching: the whole deviation from the normal state of that version after it.
create table grid_state (
    n bigint generated always as identity constraint grid_state_pk primary key,
    grid_version uuid not null constraint grid_state_version_fk references grid_version (id),
    state_no bigint not null constraint grid_state_no_positive check (state_no > 0),
    opened text[] not null,
    closed text[] not null,
    at timestamptz not null,
    constraint grid_state_no_unique unique (grid_version, state_no)
);

-- A set is computed on a version and on how it was switched; the sections of an outage on the state of the outage.
alter table affected_set add column state_no bigint not null default 0;
alter table affected_set add column opened text[] not null default '{}';
alter table affected_set add column closed text[] not null default '{}';

create table switching_number (
    day date constraint switching_number_pk primary key,
    last integer not null
);

create table switching (
    id uuid constraint switching_pk primary key,
    number text not null constraint switching_number_unique unique,
    device_key text not null,
    device_id text not null,
    close boolean not null,
    state text not null constraint switching_state check
        (state in ('requested', 'acknowledged', 'permitted', 'executed', 'done', 'returned', 'refused', 'withdrawn')),
    basis_kind text not null constraint switching_basis_kind check
        (basis_kind in ('', 'incident', 'outage', 'safety', 'customer_request')),
    basis_id uuid,
    reason text not null,
    org_path text not null,
    version bigint not null,
    requested_by text not null,
    requested_at timestamptz not null,
    executed_by text,
    executed_at timestamptz,
    -- Set once it is done.
    grid_version uuid constraint switching_grid_version_fk references grid_version (id),
    state_no bigint,
    lost_set_id uuid constraint switching_lost_fk references affected_set (id),
    restored_set_id uuid constraint switching_restored_fk references affected_set (id),
    constraint switching_basis check ((basis_kind in ('incident', 'outage')) = (basis_id is not null)),
    constraint switching_executed check (state <> 'executed' or (executed_by is not null and executed_at is not null)),
    constraint switching_done check ((state in ('done', 'returned')) = (state_no is not null))
);
-- Two people never switch one device at once.
create unique index switching_one_open on switching (device_key)
    where state in ('requested', 'acknowledged', 'permitted', 'executed');
create index switching_list on switching (requested_at desc, id desc);
create index switching_open on switching (requested_at desc, id desc)
    where state in ('requested', 'acknowledged', 'permitted', 'executed', 'done');

-- Every step with its time and its person, never changed.
create table switching_mark (
    switching_id uuid not null constraint switching_mark_fk references switching (id),
    n bigint not null,
    what text not null,
    at timestamptz not null,
    actor text not null,
    name text not null default '',
    permit_no text not null default '',
    read_back boolean not null default false,
    note text not null default '',
    constraint switching_mark_pk primary key (switching_id, n)
);
create function switching_mark_stays() returns trigger language plpgsql as $$
begin
    raise exception 'what happened to a switching stays' using errcode = 'integrity_constraint_violation';
end $$;
create trigger switching_mark_stays before update or delete on switching_mark
    for each row execute function switching_mark_stays();
