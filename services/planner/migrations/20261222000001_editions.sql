-- What the public reads can change after the announcement: another end, a later start, the area of another set. Each time is kept as
-- an edition of the announcement of its plan; the first is the announcement itself.
alter table published add column edition integer not null default 1 constraint published_edition_positive check (edition > 0);
alter table published alter column edition drop default;
alter table published drop constraint published_pk;
alter table published add constraint published_pk primary key (outage_id, plan_no, edition);
