-- Orders of other kinds: a planned outage is switched, a cut and a reconnection are made through a work order too. Such an
-- order is about a subject of another service instead of an incident; every order there is stays a fault order.

-- The latest state of each planned outage and arrears case that may need a crew, as its owner told it.
create table subject (
    id uuid constraint subject_pk primary key,
    what text not null constraint subject_what_known check (what in ('outage', 'case')),
    number text not null,
    version bigint not null constraint subject_version_positive check (version > 0),
    -- The owner's word; a word of a later release is kept as it is.
    state text not null,
    -- A crew on the way has to stop; stays until the case leaves the state it was stopped in.
    stopped boolean not null,
    org_path text not null,
    zone text not null,
    -- Which plan of the outage holds; 0 for a case.
    plan_no integer not null constraint subject_plan_natural check (plan_no >= 0),
    -- Announced begin and end of an outage; the stop time of a case.
    off_at timestamptz,
    on_at timestamptz,
    reconnect_by timestamptz,
    -- When supply went off and came back in fact.
    began_at timestamptz,
    ended_at timestamptz,
    line text not null,
    device_id text not null,
    affected_set_id text not null,
    affected_count integer not null constraint subject_affected_natural check (affected_count >= 0),
    lon double precision constraint subject_lon_range check (lon between -180 and 180),
    lat double precision constraint subject_lat_range check (lat between -90 and 90),
    area_class text not null constraint subject_area_known check (area_class in ('urban', 'rural', 'remote')),
    constraint subject_whole_position check ((lon is null) = (lat is null)),
    constraint subject_outage_has_a_window check (what <> 'outage' or (off_at is not null and on_at is not null))
);

alter table work_order
    alter column incident_id drop not null,
    add column kind text not null default 'fault'
        constraint work_order_kind_known check (kind in ('fault', 'planned', 'disconnect', 'reconnect')),
    add column subject_id uuid constraint work_order_subject_fk references subject (id),
    -- Which plan or notice of the subject this order carries out.
    add column slot text not null default '',
    -- When the work has to begin or, of a reconnection, to be done; and when supply is announced to be back.
    add column due_at timestamptz,
    add column on_at timestamptz,
    add constraint work_order_fault_has_an_incident check ((kind = 'fault') = (incident_id is not null)),
    add constraint work_order_others_have_a_subject check ((kind = 'fault') = (subject_id is null)),
    add constraint work_order_others_are_due check (kind = 'fault' or due_at is not null);
create unique index work_order_one_per_errand on work_order (subject_id, kind, slot) where subject_id is not null;

alter table clock
    drop constraint clock_name_known,
    add constraint clock_name_known
        check (name in ('arrival', 'unit_take', 'crew_take', 'review', 'etr', 'start', 'reconnect'));
