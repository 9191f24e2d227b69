-- After a restoration a sample of those who should have supply again is asked: their meter, or they themselves by text. What
-- they answer is kept by service point, so that nobody is asked twice about one incident, however often it is told.

create table restoration_check (
    -- Derived from the event that told of the restoration.
    id uuid constraint restoration_check_pk primary key,
    incident_id uuid not null constraint restoration_check_incident_fk references incident (id),
    restored_at timestamptz not null,
    -- Service points of the restored section.
    restored_count integer not null constraint restoration_check_count_not_negative check (restored_count >= 0),
    org_path text not null,
    zone text not null,
    -- Grows with every question that is told.
    version bigint not null default 0,
    created_at timestamptz not null
);
create index restoration_check_incident on restoration_check (incident_id, restored_at);

create table asked (
    id uuid constraint asked_pk primary key,
    check_id uuid not null constraint asked_check_fk references restoration_check (id),
    incident_id uuid not null constraint asked_incident_fk references incident (id),
    load_id text not null,
    customer_id uuid,
    service_point_id uuid,
    org_path text not null,
    -- Reported, or depends on life-support: the night does not put the question off.
    night boolean not null,
    restored_at timestamptz not null,
    asked_at timestamptz not null,
    stage text not null constraint asked_stage_known check (stage in ('pinging', 'texting', 'settled')),
    -- When the stage ends without an answer.
    due_at timestamptz not null,
    pinged boolean not null,
    texted boolean not null,
    meter_has_supply boolean,
    meter_at timestamptz,
    person_has_supply boolean,
    -- The report that "still off" became.
    report_id uuid constraint asked_report_fk references report (id) deferrable initially deferred,
    constraint asked_once unique (incident_id, load_id),
    constraint asked_meter_whole check ((meter_has_supply is null) = (meter_at is null))
);
create index asked_check on asked (check_id);
create index asked_load on asked (load_id, restored_at);
create index asked_pinging on asked (asked_at, id) where stage = 'pinging';
create index asked_due on asked (due_at) where stage <> 'settled';
