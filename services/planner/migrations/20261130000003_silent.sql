-- A department that has a plan and says nothing is said to the desk, once for each time it was asked.
alter table countersign add column alarmed_at timestamptz;
