-- Work orders: what intake told about their incidents, where they stand, every step with its corrected time, who was
-- on them, what is restored, which estimates were given, and the clocks with their alarms.

-- The latest state of each incident as intake told it. Kept apart from the order, so that the reconciler can see an
-- open incident that has no order.
create table incident (
    id uuid constraint incident_pk primary key,
    number text not null,
    version bigint not null constraint incident_version_positive check (version > 0),
    state text not null constraint incident_state_known check (state in ('open', 'merged', 'closed')),
    merged_into uuid,
    org_path text not null,
    accepted_at timestamptz not null,
    area_class text not null constraint incident_area_known check (area_class in ('urban', 'rural', 'remote')),
    device_id text not null,
    device_kind text not null,
    confirmed boolean not null,
    affected_set_id text not null,
    affected_count integer not null constraint incident_affected_natural check (affected_count >= 0),
    danger boolean not null,
    life_support boolean not null,
    important boolean not null,
    urge_count integer not null constraint incident_urge_natural check (urge_count >= 0),
    lon double precision constraint incident_lon_range check (lon between -180 and 180),
    lat double precision constraint incident_lat_range check (lat between -90 and 90),
    zone text not null,
    constraint incident_merged_names_its_parent check ((state = 'merged') = (merged_into is not null)),
    constraint incident_whole_position check ((lon is null) = (lat is null))
);
create index incident_merged on incident (merged_into) where merged_into is not null;

-- Spoken numbers count from 1 every local day.
create table order_number (
    day date constraint order_number_pk primary key,
    last integer not null
);

create table work_order (
    id uuid constraint work_order_pk primary key,
    number text not null constraint work_order_number_unique unique,
    incident_id uuid not null constraint work_order_one_per_incident unique constraint work_order_incident_fk references incident (id),
    org_path text not null,
    -- The earliest of its own and its merged incidents; never moves later.
    accepted_at timestamptz not null,
    state text not null constraint work_order_state_known check (state in (
        'triaged', 'dispatched', 'unit_taken', 'assigned', 'taken', 'en_route', 'arrived', 'surveyed', 'repairing',
        'suspended', 'restored', 'replied', 'called_back', 'archived', 'merged', 'withdrawn')),
    -- The whole state with its facts, as the machine wrote it; `state`, `unit_id` and `crew_id` repeat it for queries.
    facts jsonb not null,
    unit_id uuid constraint work_order_unit_fk references unit (id),
    crew_id uuid constraint work_order_crew_fk references crew (id),
    merged_into uuid,
    version bigint not null,
    opened_at timestamptz not null,
    -- Corrected time of the last step (the offer is one): the next one is not before it.
    last_step_at timestamptz not null,
    returns integer not null default 0,
    reopens integer not null default 0,
    cause_code text not null default '',
    restored_count integer not null default 0,
    etr_at timestamptz,
    etr_source text constraint work_order_etr_source_known check (etr_source in ('crew', 'dispatcher')),
    -- The running clock that ends first, estimates left out; lists sort by it.
    next_due_at timestamptz,
    archived_at timestamptz,
    constraint work_order_facts_say_the_state check (facts ->> 'state' = state),
    constraint work_order_crew_has_a_unit check (crew_id is null or unit_id is not null),
    constraint work_order_etr_has_a_source check ((etr_at is null) = (etr_source is null))
);
create index work_order_open on work_order (coalesce(next_due_at, '9999-01-01Z'), id)
    where state not in ('archived', 'merged', 'withdrawn');
create index work_order_over on work_order (opened_at, id) where state in ('archived', 'merged', 'withdrawn');
create index work_order_crew on work_order (crew_id) where crew_id is not null;
create index work_order_unit on work_order (unit_id) where unit_id is not null;

create table order_step (
    order_id uuid not null constraint order_step_order_fk references work_order (id),
    n integer not null,
    step text not null,
    at timestamptz not null,
    received_at timestamptz not null,
    actor text not null,
    note text not null,
    -- The phone's clock was off by more than two minutes.
    skewed boolean not null,
    -- Recorded by a dispatcher for the crew or the unit (O27).
    on_behalf boolean not null,
    unit_id uuid,
    crew_id uuid,
    -- What the step recorded: permission, ticket, people, positions, photo hash, verification.
    detail jsonb not null,
    constraint order_step_pk primary key (order_id, n)
);

create function order_step_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'steps of an order are never changed' using errcode = 'restrict_violation';
end $$;
create trigger order_step_append_only before update or delete on order_step
    for each row execute function order_step_is_append_only();

create table section_restored (
    order_id uuid not null,
    n integer not null,
    at timestamptz not null,
    -- Affected set that is back; none = everybody still off.
    set_id text,
    customers integer not null,
    verified_by text not null constraint section_restored_verified check (verified_by in ('meter', 'call')),
    constraint section_restored_pk primary key (order_id, n),
    constraint section_restored_step_fk foreign key (order_id, n) references order_step (order_id, n)
);

create table assignment (
    id uuid constraint assignment_pk primary key,
    order_id uuid not null constraint assignment_order_fk references work_order (id),
    crew_id uuid not null constraint assignment_crew_fk references crew (id),
    assigned_at timestamptz not null,
    released_at timestamptz,
    -- The step that freed the crew.
    released_by text,
    constraint assignment_released_by_something check ((released_at is null) = (released_by is null))
);
-- The last arbiter between two dispatchers: a crew has one active order.
create unique index assignment_one_active_order_per_crew on assignment (crew_id) where released_at is null;
create unique index assignment_one_crew_per_order on assignment (order_id) where released_at is null;
create index assignment_crew on assignment (crew_id, assigned_at);
create index assignment_order on assignment (order_id);

create table etr (
    order_id uuid not null constraint etr_order_fk references work_order (id),
    n integer not null,
    at timestamptz not null,
    -- None: withdrawn.
    etr_at timestamptz,
    previous_at timestamptz,
    cause_code text not null,
    actor text not null,
    -- survey, set, or why it was withdrawn: lapsed, suspended, reassigned, shift_end, still_off.
    reason text not null,
    constraint etr_pk primary key (order_id, n)
);

create table clock (
    id uuid constraint clock_pk primary key,
    order_id uuid not null constraint clock_order_fk references work_order (id),
    name text not null constraint clock_name_known check (name in ('arrival', 'unit_take', 'crew_take', 'review', 'etr')),
    started_at timestamptz not null,
    watch_at timestamptz,
    at_risk_at timestamptz,
    due_at timestamptz not null,
    rule text not null,
    level text not null default 'none' constraint clock_level_known check (level in ('none', 'watch', 'at_risk', 'breach')),
    stopped_at timestamptz
);
create unique index clock_one_running_per_name on clock (order_id, name) where stopped_at is null;
create index clock_order on clock (order_id, started_at);
create index clock_running on clock (due_at) where stopped_at is null;

create table alarm (
    clock_id uuid not null constraint alarm_clock_fk references clock (id),
    level text not null constraint alarm_level_known check (level in ('watch', 'at_risk', 'breach')),
    raised_at timestamptz not null,
    -- 0 desk, 1 supervisor, 2 duty manager: grows while nobody acknowledges.
    escalation smallint not null default 0,
    acknowledged_by text,
    acknowledged_at timestamptz,
    constraint alarm_pk primary key (clock_id, level),
    constraint alarm_acknowledged_by_name check ((acknowledged_by is null) = (acknowledged_at is null))
);

-- What each crew's phone has to know: the last change of every order it has or had, numbered per crew.
create table crew_order (
    crew_id uuid not null constraint crew_order_crew_fk references crew (id),
    order_id uuid not null constraint crew_order_order_fk references work_order (id),
    n bigint not null,
    gone boolean not null,
    constraint crew_order_pk primary key (crew_id, order_id)
);
create index crew_order_feed on crew_order (crew_id, n);

-- What the rules of dispatch look at, per crew, at a moment: the shift that runs then (else the next, else the last)
-- and the end of the one before, the order it is on, how many it was given in this shift, and per skill until when a
-- member is qualified. A function, so that the same text serves one crew, the changed ones and all; it is inlined.
create function crew_fact(at timestamptz) returns table (
    id uuid, name text, unit_id uuid, skills text[], changed_at timestamptz,
    shift_starts_at timestamptz, shift_ends_at timestamptz, shift_before_ended_at timestamptz,
    active_order_id uuid, active_number text, orders_this_shift bigint,
    qualified_skills text[], qualified_until timestamptz[]
) language sql stable begin atomic
    select c.id, c.name, c.unit_id, c.skills, c.changed_at,
           s.starts_at, s.ends_at, (select max(p.ends_at) from shift p where p.crew_id = c.id and p.starts_at < s.starts_at),
           o.id, o.number,
           (select count(distinct g.order_id) from assignment g where g.crew_id = c.id and g.assigned_at >= s.starts_at),
           q.skills, q.untils
    from crew c
    left join lateral (
        select d.starts_at, d.ends_at from shift d where d.crew_id = c.id
        order by d.ends_at > $1 desc, case when d.ends_at > $1 then d.starts_at end, d.ends_at desc limit 1
    ) s on true
    left join assignment a on a.crew_id = c.id and a.released_at is null
    left join work_order o on o.id = a.order_id
    left join lateral (
        select array_agg(b.skill) as skills, array_agg(b.until) as untils
        from (select skill, max(valid_until) as until from qualification where crew_id = c.id group by skill) b
    ) q on true;
end;
