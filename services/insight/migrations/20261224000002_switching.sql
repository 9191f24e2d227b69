-- Who is fed another way while work or a fault goes on is back by switching and not by repair: they may lose supply again for the same
-- reason. And of planned work all devices are known: who has supply while they are open has it another way.
alter table ledger_step add column by_switching boolean not null default false;
alter table incident_view add column device_ids text[] not null default '{}';
