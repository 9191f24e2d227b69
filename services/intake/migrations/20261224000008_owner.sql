-- Whoever took a report stays responsible for telling its reporter (domain.md F10), until they hand it over. Each hand-over is kept.
alter table report add column owner text;
create index report_owned on report ((coalesce(owner, actor)), accepted_at, id) where state <> 'closed';
create table report_handover (
    id uuid constraint report_handover_pk primary key,
    report_id uuid not null constraint report_handover_report_fk references report (id),
    at timestamptz not null,
    from_owner text not null,
    to_owner text not null,
    handed_by text not null,
    reason text not null constraint report_handover_reason_given check (length(reason) between 1 and 500),
    constraint report_handover_to_another check (from_owner <> to_owner)
);
create index report_handover_of on report_handover (report_id, at);
