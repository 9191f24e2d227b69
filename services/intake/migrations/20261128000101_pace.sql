-- The grouping worker looks for what is new all the time, beside tables that grow for ever. What it looks for has to lie in an
-- index of its own: the tables are filled faster than their statistics, and a queue that is filled and emptied all the time has
-- none that hold.

-- The queue in its own order: who has waited longest is next. Who wrote the row need not know of it.
alter table report_waiting add column queued_at timestamptz not null default now();
create index report_waiting_next on report_waiting (queued_at, report_id);
-- What was taken off is cleared away after some thousand reports, however long the queue was meanwhile.
alter table report_waiting set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- Reports whose account is still to be looked up. Those grouped without are not looked up any more.
update report set place_pending = false
    where place_pending and not exists (select 1 from report_waiting w where w.report_id = report.id);
create index report_place_pending on report (accepted_at, id) where place_pending;

create index switching_unweighed on switching (grid_version, state_no) where not weighed;
