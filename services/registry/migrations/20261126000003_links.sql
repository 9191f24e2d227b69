-- Where a service point really hangs, as seen on site (operations.md O36): it stands until a pack says so too.
create table link_correction (
    id uuid constraint link_correction_pk primary key,
    service_point_id uuid not null constraint link_correction_point_fk references service_point (id),
    external_key text not null,
    external_id text not null,
    from_bus text not null,
    to_bus text not null,
    from_transformer_id text,
    to_transformer_id text,
    reason text not null constraint link_correction_reason_given check (length(reason) between 1 and 500),
    by text not null,
    at timestamptz not null,
    grid_version uuid not null constraint link_correction_version_fk references grid_version (id),
    -- standing; adopted: a later pack says the same; overruled: a later pack says something third; replaced by another one
    state text not null constraint link_correction_state check (state in ('standing', 'adopted', 'overruled', 'replaced')),
    org_path text not null
);
create unique index link_correction_one_standing on link_correction (external_key) where state = 'standing';
create index link_correction_list on link_correction (at desc, id desc);
