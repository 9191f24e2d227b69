-- What the inference engine weighs, stored with its own times: who called, what meters and telemetry said, what was
-- switched, what was restored. The engine lives in memory; after a crash it is fed from here again.

create table evidence (
    id uuid constraint evidence_pk primary key,
    -- When it happened, by its source; and when it came.
    at timestamptz not null,
    received_at timestamptz not null,
    kind text not null constraint evidence_kind_known check (kind in ('call', 'last_gasp', 'ping_off', 'ping_on',
        'scada_open', 'scada_closed', 'relay_open', 'relay_closed', 'restored')),
    load_id text,
    device_id text,
    source text not null,
    external_id text not null,
    report_id uuid constraint evidence_report_fk references report (id),
    -- Of 'restored': the incident whose supply came back.
    incident_id uuid constraint evidence_incident_fk references incident (id),
    -- The worker has fed it to the engine.
    weighed boolean not null default false,
    -- A dispatcher split its report off: it says nothing about its neighbours.
    left_out boolean not null default false,
    constraint evidence_about_something check ((load_id is null) <> (device_id is null)),
    constraint evidence_source_once unique (source, external_id)
);
create index evidence_unweighed on evidence (at, id) where not weighed;
create index evidence_at on evidence (at);
create index evidence_load on evidence (load_id, at) where load_id is not null;
create index evidence_report on evidence (report_id) where report_id is not null;

-- How the network was switched, as the registry told it.
create table switching (
    grid_version uuid not null,
    state_no bigint not null,
    at timestamptz not null,
    opened text[] not null,
    closed text[] not null,
    weighed boolean not null default false,
    constraint switching_pk primary key (grid_version, state_no)
);

-- The engine names an incident by its first report; each such name belongs to one incident here.
create table finding (
    key_at timestamptz not null,
    key_load text not null,
    incident_id uuid not null constraint finding_incident_fk references incident (id),
    constraint finding_pk primary key (key_at, key_load)
);
create index finding_incident on finding (incident_id);

-- What is believed of an incident now.
create table inference (
    incident_id uuid constraint inference_pk primary key constraint inference_incident_fk references incident (id),
    grid_version uuid not null,
    -- [{"device", "equal": [..], "p"}], the likeliest first.
    candidates jsonb not null,
    confidence double precision not null constraint inference_confidence_share check (confidence between 0 and 1),
    customers integer not null constraint inference_customers_not_negative check (customers >= 0),
    explanation_zh text not null,
    explanation_en text not null,
    ask_load_id text,
    premise boolean not null,
    -- A dispatcher named this device.
    overruled_device_id text,
    restored_at timestamptz,
    decided_at timestamptz not null
);

-- How it came to be believed.
create table decision (
    id uuid constraint decision_pk primary key,
    incident_id uuid not null constraint decision_incident_fk references incident (id),
    at timestamptz not null,
    what text not null constraint decision_what_known check (what in ('now', 'merged', 'gone', 'overruled', 'undone',
        'confirmed', 'split', 'corrected')),
    device_id text,
    p double precision,
    explanation_zh text not null default '',
    explanation_en text not null default '',
    grid_version uuid
);
create index decision_incident on decision (incident_id, id);

-- Raised when a person changed what the engine was fed: it is built again.
create table stirred (
    one boolean constraint stirred_pk primary key constraint stirred_one check (one),
    times bigint not null
);
insert into stirred (one, times) values (true, 0);

alter table incident
    -- Some were still off after that one was restored.
    add column parent_id uuid constraint incident_parent_fk references incident (id),
    -- The first signal of a meter or of telemetry in it; the acceptance of an incident that nobody called about.
    add column signal_at timestamptz,
    -- Split off by a dispatcher: the engine leaves it alone.
    add column by_hand boolean not null default false,
    add constraint incident_parent_elsewhere check (parent_id <> id);
create index incident_parent on incident (parent_id) where parent_id is not null;

-- Where a report belongs was said by the ledger or a person: the engine does not move it.
alter table report_link add column fixed boolean not null default false;

alter table report
    add column confidential boolean not null default false,
    add column neighbours text not null default '' constraint report_neighbours_known check (neighbours in ('', 'on', 'off')),
    add column known_class text,
    add column known_outage_id text,
    add column call_wanted boolean not null default false,
    add column state text not null default 'open' constraint report_state_known check (state in ('open', 'helping', 'closed')),
    add column close_reason text,
    add column closed_at timestamptz,
    add constraint report_closed_with_reason check ((state = 'closed') = (close_reason is not null)),
    drop constraint report_triage_known,
    add constraint report_triage_known check (triage in ('new', 'known_outage', 'undetermined', 'customer_side', 'cut',
        'own_request', 'left'));
update report set state = 'closed', close_reason = 'known_outage', closed_at = received_at
    where triage = 'known_outage' and hint_incident_id is null;
create index report_helping on report (received_at) where state = 'helping';

-- Life-support: a person calls at once and asks how long the own supply lasts.
create table call_wanted (
    report_id uuid constraint call_wanted_pk primary key constraint call_wanted_report_fk references report (id),
    since timestamptz not null,
    backup_until timestamptz,
    called_by text,
    called_at timestamptz,
    constraint call_wanted_called_whole check ((called_by is null) = (called_at is null))
);
