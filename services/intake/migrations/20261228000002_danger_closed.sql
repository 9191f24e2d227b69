-- Tasks of danger that were closed with their report, found to be false: open again when that is taken back.
alter table danger_task
    add column closing_id uuid constraint danger_task_closing_fk references report_closing (id),
    -- Of what is told: rises with every change.
    add column version bigint not null default 1,
    add constraint danger_task_closed_not_needed check (closing_id is null or state = 'not_needed');
update danger_task set version = 2 where state <> 'open';
