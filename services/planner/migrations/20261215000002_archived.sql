-- How the notice of an outage was given, as it was found when it was archived: what changes later changes nothing about it.
create table archived (
    outage_id uuid constraint archived_pk primary key constraint archived_of_outage references outage,
    at timestamptz not null,
    compliance jsonb not null
);
create function archived_stays() returns trigger language plpgsql as $$
begin
    raise exception 'what is archived is never changed' using errcode = 'integrity_constraint_violation';
end $$;
create trigger archived_stays before update or delete on archived for each row execute function archived_stays();
