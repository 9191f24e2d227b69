-- Planned and temporary outages: their plans, who has to be told and by what evidence they were, who decided, locks, and
-- the people at work. What must never be true together (an approver who is the author, a supply that is off without a
-- permit) is refused here too, whatever a program does.

create table outage (
    id uuid constraint outage_pk primary key,
    number text not null constraint outage_number_unique unique,
    org_path text not null,
    -- IANA zone of the place.
    zone text not null,
    state text not null constraint outage_state_word check (state in ('draft', 'submitted', 'balanced', 'negotiating', 'approved',
        'noticed', 'ready', 'off', 'working', 'restoring', 'restored', 'archived', 'cancelled', 'aborted')),
    -- Of the aggregate; grows with every change.
    version bigint not null constraint outage_version_positive check (version > 0),
    -- Of the plan; grows when it is moved to another day.
    plan_no integer not null constraint outage_plan_positive check (plan_no > 0),
    class text not null constraint outage_class_word check (class in ('PLANNED', 'TEMPORARY')),
    author text not null,
    approver text,
    off_at timestamptz not null,
    on_at timestamptz not null,
    announced_at timestamptz,
    noticed_at timestamptz,
    permit_at timestamptz,
    switched_off_at timestamptz,
    device_ids text[] not null constraint outage_devices_some check (cardinality(device_ids) between 1 and 500),
    affected_set_id uuid not null,
    grid_version text not null,
    affected_count integer not null,
    lon double precision,
    lat double precision,
    -- As made from the affected set, to show the difference to what people are told.
    area_made text not null,
    area_zh text not null,
    area_en text not null,
    line text not null,
    reason_zh text not null,
    reason_en text not null,
    -- Planned interruptions of the year beyond the limits, from the ledger when it was compared.
    above_count integer not null default 0,
    above_hours integer not null default 0,
    justification text not null default '',
    note text not null default '',
    -- The work order, and who has it.
    order_number text not null default '',
    crew_name text not null default '',
    crew_id uuid,
    -- The network changed since: so many would be added, so many released.
    network_added integer not null default 0,
    network_released integer not null default 0,
    -- The whole of it as the domain has it; the columns above are its parts that are searched and constrained.
    life jsonb not null,
    created_at timestamptz not null,
    constraint outage_window check (on_at > off_at and on_at <= off_at + interval '7 days'),
    constraint outage_approved_by_another check (approver <> author),
    constraint outage_approved check (approver is not null or state in ('draft', 'submitted', 'balanced', 'negotiating', 'cancelled')),
    constraint outage_announced check (announced_at is not null or state in ('draft', 'submitted', 'balanced', 'negotiating',
        'approved', 'cancelled')),
    constraint outage_noticed check (noticed_at is not null or state in ('draft', 'submitted', 'balanced', 'negotiating', 'approved',
        'cancelled')),
    -- Off by a permit at most five minutes old, never before the announced time.
    constraint outage_permitted check (switched_off_at is null
        or (permit_at is not null and switched_off_at >= permit_at and switched_off_at <= permit_at + interval '5 minutes' and switched_off_at >= off_at))
);
create index outage_live on outage (off_at, id) where state not in ('archived', 'cancelled', 'aborted');
create index outage_by_state on outage (state, id);

-- Plans that ended by a move: what people had been told, and that it is void.
create table ended_plan (
    outage_id uuid not null constraint ended_plan_of_outage references outage,
    plan_no integer not null,
    off_at timestamptz not null,
    on_at timestamptz not null,
    reason text not null,
    ended_at timestamptz not null,
    noticed boolean not null,
    constraint ended_plan_pk primary key (outage_id, plan_no)
);

-- Everybody affected, with what makes them special. Of customers with several supply points the strictest counts.
create table recipient (
    outage_id uuid not null constraint recipient_of_outage references outage,
    customer_id uuid not null,
    important boolean not null,
    life_support boolean not null,
    dedicated_line boolean not null,
    own_generation boolean not null,
    added_at timestamptz not null,
    -- Since when the grid is such that they stay supplied; the row stays because evidence names it.
    released_at timestamptz,
    -- Of the present plan, so that the gate counts instead of searching: first effective notice, late start told,
    -- acknowledged or escalation closed, the window a dedicated line agreed to or that was decided. `evidence` proves it.
    served_at timestamptz,
    served_channel text,
    late_told_at timestamptz,
    settled_at timestamptz,
    agreed_off_at timestamptz,
    agreed_on_at timestamptz,
    -- Moved in after the announcement: told, but the lead of the plan is not theirs (domain.md 5.5 no. 12).
    joined_at timestamptz,
    -- Own generation: ticked as isolated from the grid, and called before supply returns.
    isolated_at timestamptz,
    isolated_by text,
    told_at timestamptz,
    told_by text,
    constraint recipient_pk primary key (outage_id, customer_id)
);
create index recipient_customer on recipient (customer_id, outage_id);

-- What proves that somebody was told. Never changed; what is not effective (a failed message) is no row here.
create table evidence (
    id uuid constraint evidence_pk primary key,
    outage_id uuid not null,
    plan_no integer not null,
    kind text not null constraint evidence_kind_word
        check (kind in ('notice', 'reminder', 'changed', 'late_start', 'extended', 'cancelled', 'void', 'released')),
    customer_id uuid not null,
    channel text not null constraint evidence_channel_word
        check (channel in ('sms', 'email', 'visit', 'post', 'call', 'community', 'esign')),
    at timestamptz not null,
    recorded_by text not null,
    note text not null default '',
    photo_sha256 bytea constraint evidence_photo_size check (length(photo_sha256) = 32),
    constraint evidence_photo check (photo_sha256 is not null or channel not in ('visit', 'post')),
    constraint evidence_recipient foreign key (outage_id, customer_id) references recipient
);
create index evidence_plan on evidence (outage_id, plan_no, kind, customer_id, at);
create function evidence_stays() returns trigger language plpgsql as $$
begin
    raise exception 'evidence is never changed' using errcode = 'integrity_constraint_violation';
end $$;
create trigger evidence_stays before update or delete on evidence for each row execute function evidence_stays();

-- Evidence that proves nothing any more: the number turned out to be somebody else's (operations.md O15).
create table evidence_void (
    evidence_id uuid constraint evidence_void_pk primary key constraint evidence_void_of_evidence references evidence,
    at timestamptz not null
);

-- Important customers: what they answered, or who took it on.
create table acknowledgement (
    outage_id uuid not null,
    plan_no integer not null,
    customer_id uuid not null,
    -- Verbatim.
    text text,
    acknowledged_at timestamptz,
    acknowledged_by text,
    escalated_to text constraint acknowledgement_escalated_word check (escalated_to in ('account_manager', 'duty_manager')),
    escalated_at timestamptz,
    closed_by text,
    note text not null default '',
    constraint acknowledgement_pk primary key (outage_id, plan_no, customer_id),
    constraint acknowledgement_recipient foreign key (outage_id, customer_id) references recipient,
    constraint acknowledgement_text check ((text is null) = (acknowledged_at is null)),
    constraint acknowledgement_closed check (closed_by is null or (escalated_to = 'duty_manager' and note <> ''))
);

-- Talks with dedicated-line customers, every step of them (SI14).
create table negotiation (
    id uuid constraint negotiation_pk primary key,
    outage_id uuid not null,
    customer_id uuid not null,
    step text not null constraint negotiation_step_word check (step in ('proposed', 'countered', 'agreed', 'refused', 'decided')),
    off_at timestamptz not null,
    on_at timestamptz not null,
    note text not null,
    at timestamptz not null,
    by text not null,
    constraint negotiation_recipient foreign key (outage_id, customer_id) references recipient
);
create index negotiation_latest on negotiation (outage_id, customer_id, at desc, id desc);

-- Times in which nothing is switched off for work: events, holidays, weather, power guarantee.
create table work_lock (
    id uuid constraint work_lock_pk primary key,
    kind text not null constraint work_lock_kind_word check (kind in ('event', 'holiday', 'weather', 'guarantee')),
    org_path text not null,
    from_at timestamptz not null,
    until_at timestamptz not null,
    reason text not null,
    set_by text not null,
    lifted_by text,
    lift_reason text not null default '',
    constraint work_lock_window check (until_at > from_at),
    constraint work_lock_lifted check ((lifted_by is null) or lift_reason <> '')
);
create index work_lock_standing on work_lock (from_at, until_at) where lifted_by is null;

-- Everybody in charge of people at work; supply returns when each has said: people out, earths off, ticket ended.
create table leader (
    outage_id uuid not null constraint leader_of_outage references outage,
    name text not null,
    team text not null,
    checked_in_at timestamptz not null,
    cleared_at timestamptz,
    constraint leader_pk primary key (outage_id, name)
);

create table number_of_day (
    day date constraint number_of_day_pk primary key,
    next integer not null
);

-- Supply that was switched off because of danger (operations.md O1): recorded afterwards, never asked for leave.
create table safety_switch_off (
    id uuid constraint safety_pk primary key,
    number text not null constraint safety_number_unique unique,
    org_path text not null,
    zone text not null,
    version bigint not null constraint safety_version_positive check (version > 0),
    danger text not null constraint safety_danger_word
        check (danger in ('fire', 'fallen_wire', 'person_trapped', 'flood', 'isolation', 'authority')),
    basis text not null constraint safety_basis_some check (basis <> ''),
    device_ids text[] not null constraint safety_devices_some check (cardinality(device_ids) between 1 and 500),
    affected_set_id uuid not null,
    affected_count integer not null,
    lon double precision,
    lat double precision,
    area_zh text not null,
    area_en text not null,
    recorded_by text not null,
    switched_off_at timestamptz not null,
    recorded_at timestamptz not null,
    expected_on_at timestamptz,
    -- Of the section or of everybody, at the last step.
    restored_at timestamptz,
    cleared_by text not null default '',
    constraint safety_recorded_after check (recorded_at >= switched_off_at),
    constraint safety_cleared check (restored_at is null or cleared_by <> '')
);
create index safety_by_time on safety_switch_off (switched_off_at desc, id desc);

-- Who has proof that they were told.
create table safety_told (
    safety_id uuid not null constraint safety_told_of_safety references safety_switch_off,
    customer_id uuid not null,
    at timestamptz not null,
    constraint safety_told_pk primary key (safety_id, customer_id)
);
