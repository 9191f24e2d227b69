-- A feeder may cross a zone: whoever counts dates has to know every zone of a set, not the commonest (domain.md 5.5 no. 3). And which
-- feeders it hangs on: the uppermost switching device on the way of each device that was taken as open. Sets made before have neither.
alter table affected_set
    add column zones text[] not null default '{}',
    add column feeders text[] not null default '{}';
