-- What danger asks for beside the repair (operations.md O6): somebody guards the place, the control room is asked to switch off, the
-- emergency services know of it. Each report of danger has all three from its first moment.
create table danger_task (
    report_id uuid not null constraint danger_task_report_fk references report (id),
    kind text not null constraint danger_task_kind_known check (kind in ('guard_site', 'switching', 'emergency_services')),
    state text not null default 'open' constraint danger_task_state_known check (state in ('open', 'done', 'not_needed')),
    opened_at timestamptz not null,
    org_path text not null,
    -- Of switching: the nearest device above the place that can be switched; empty: nobody knows the place.
    device_id text not null default '',
    reference text not null default '' constraint danger_task_reference_short check (length(reference) <= 200),
    note text not null default '' constraint danger_task_note_short check (length(note) <= 500),
    settled_by text,
    settled_at timestamptz,
    constraint danger_task_pk primary key (report_id, kind),
    constraint danger_task_settled_whole check ((state = 'open') = (settled_by is null) and (state = 'open') = (settled_at is null)),
    constraint danger_task_done_by_whom check (state <> 'done' or reference <> ''),
    constraint danger_task_not_needed_why check (state <> 'not_needed' or note <> '')
);
create index danger_task_open on danger_task (opened_at) where state = 'open';
create index danger_task_settled on danger_task (settled_at) where state <> 'open';
