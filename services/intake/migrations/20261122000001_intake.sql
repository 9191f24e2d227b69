-- What intake owns: reports with their unmovable acceptance time, the incidents they belong to, and who urged.
-- A report is inserted once and hardly touched again; which incident it belongs to lies beside it, so that accepting
-- reports never waits for the one worker that groups them.

-- Spoken numbers are given out in blocks per process: reports do not queue up behind one row.
create table number_block (
    kind text not null constraint number_block_kind_known check (kind in ('report', 'incident')),
    day date not null,
    next bigint not null constraint number_block_next_positive check (next > 0),
    constraint number_block_pk primary key (kind, day)
);

create table incident (
    id uuid constraint incident_pk primary key,
    number text not null constraint incident_number_unique unique,
    state text not null constraint incident_state_known check (state in ('open', 'merged', 'closed')),
    merged_into uuid constraint incident_merged_into_fk references incident (id),
    close_reason text,
    -- External id of the probable or confirmed device; null while undetermined.
    device_id text,
    device_kind text,
    confirmed_by text constraint incident_confirmed_by_known check (confirmed_by in ('dispatcher', 'crew', 'meter')),
    confirmed_at timestamptz,
    affected_set_id text,
    affected_count integer not null default 0 constraint incident_affected_not_negative check (affected_count >= 0),
    report_count integer not null constraint incident_report_count_not_negative check (report_count >= 0),
    urge_count integer not null default 0 constraint incident_urge_count_not_negative check (urge_count >= 0),
    -- The earliest acceptance among its reports: rules the arrival clock, so it only ever moves to earlier.
    accepted_at timestamptz not null,
    last_report_at timestamptz not null,
    off_at timestamptz not null,
    -- The class with the shortest arrival limit among its reports.
    area_class text not null constraint incident_area_class_known check (area_class in ('urban', 'rural', 'remote')),
    danger boolean not null,
    life_support boolean not null,
    important boolean not null,
    lon double precision,
    lat double precision,
    org_path text not null,
    zone text not null,
    version bigint not null constraint incident_version_positive check (version > 0),
    -- False from a confirmation until the worker has looked which guesses are part of it.
    taken_in boolean not null default true,
    constraint incident_merged_says_where check ((state = 'merged') = (merged_into is not null)),
    constraint incident_merged_elsewhere check (merged_into <> id),
    constraint incident_confirmed_whole check (
        (confirmed_by is null) = (confirmed_at is null) and (confirmed_by is null or device_id is not null)),
    constraint incident_position_whole check ((lon is null) = (lat is null)),
    constraint incident_position_on_earth check (lon between -180 and 180 and lat between -90 and 90)
);
create index incident_open on incident (accepted_at, id) where state = 'open';
create index incident_not_taken_in on incident (id) where not taken_in;
create index incident_page on incident (state, accepted_at, id);

create table report (
    id uuid constraint report_pk primary key,
    number text not null constraint report_number_unique unique,
    -- t_accept: the moment of the report. A trigger keeps it as it is.
    accepted_at timestamptz not null,
    received_at timestamptz not null,
    channel text not null constraint report_channel_known check (
        channel in ('hotline', 'hall', 'on_site', 'web', 'sms', 'transfer', 'paper')),
    -- Who took it: the first-contact owner.
    actor text not null,
    triage text not null constraint report_triage_known check (triage in ('new', 'known_outage', 'undetermined')),
    danger boolean not null,
    danger_note text not null constraint report_danger_note_short check (length(danger_note) <= 500),
    note text not null constraint report_note_short check (length(note) <= 2000),
    account text,
    customer_id uuid,
    service_point_id uuid,
    -- External ids in the grid.
    load_id text,
    transformer_id text,
    area_class text constraint report_area_class_known check (area_class in ('urban', 'rural', 'remote')),
    important boolean not null,
    life_support boolean not null,
    -- Sealed with the contact key.
    reporter_name bytea,
    reporter_phone bytea,
    address text not null constraint report_address_short check (length(address) <= 300),
    lon double precision,
    lat double precision,
    language text not null constraint report_language_known check (language in ('', 'zh-CN', 'en')),
    org_path text not null,
    zone text not null,
    -- The ledger said that this customer is off because of this incident.
    hint_incident_id uuid,
    known_off_at timestamptz,
    known_etr_at timestamptz,
    known_cause text,
    -- The account could not be looked up yet: the registry was away.
    place_pending boolean not null,
    constraint report_not_accepted_in_future check (accepted_at <= received_at),
    constraint report_position_whole check ((lon is null) = (lat is null)),
    constraint report_position_on_earth check (lon between -180 and 180 and lat between -90 and 90)
);
create index report_page on report (accepted_at, id);
create index report_customer on report (customer_id, accepted_at) where customer_id is not null;

create function report_keeps_its_acceptance() returns trigger language plpgsql as $$
begin
    if new.accepted_at is distinct from old.accepted_at or new.received_at is distinct from old.received_at
        or new.id is distinct from old.id or new.number is distinct from old.number then
        raise exception 'the acceptance of report % cannot be changed', old.number
            using errcode = 'integrity_constraint_violation', constraint = 'report_acceptance_immutable';
    end if;
    return new;
end $$;
create trigger report_acceptance_immutable before update on report
    for each row execute function report_keeps_its_acceptance();

-- Reports the grouping worker has not seen yet.
create table report_waiting (
    report_id uuid constraint report_waiting_pk primary key
        constraint report_waiting_report_fk references report (id)
);

-- Each grouped report is in exactly one incident.
create table report_link (
    report_id uuid constraint report_link_pk primary key constraint report_link_report_fk references report (id),
    incident_id uuid not null constraint report_link_incident_fk references incident (id),
    linked_at timestamptz not null
);
create index report_link_incident on report_link (incident_id);

-- The customer asked again (urging). Counted on the incident by the worker, so that a thousand callers do not queue
-- up behind the row of one incident.
create table urge (
    id uuid constraint urge_pk primary key,
    report_id uuid not null constraint urge_report_fk references report (id),
    at timestamptz not null,
    actor text not null,
    channel text not null,
    note text not null constraint urge_note_short check (length(note) <= 2000),
    folded boolean not null default false
);
create index urge_report on urge (report_id);
create index urge_unfolded on urge (report_id) where not folded;
