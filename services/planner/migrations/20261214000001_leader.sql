-- Two leaders called Wang of two teams are two people, and each clears on their own (operations.md O2). While the program before
-- this one still runs, its check-ins fail and are sent again.
alter table leader
    drop constraint leader_pk,
    add constraint leader_pk primary key (outage_id, team, name),
    -- The crew whose phone checked them in: it clears nobody else.
    add column crew_id uuid,
    -- Who recorded the clearance, and who heard it where it did not come from the crew's own phone.
    add column cleared_by text,
    add column heard_by text,
    add constraint leader_heard check (heard_by is null or (cleared_by is not null and heard_by <> ''));
