-- How many are left to reach, so that the gate of an outage of 100,000 customers reads a number instead of counting
-- them. The schema keeps it: no statement that changes who is affected or who was told can forget it.
create table reach (
    outage_id uuid constraint reach_pk primary key constraint reach_of_outage references outage,
    -- Affected now, and without an effective notice of the present plan.
    unreached bigint not null constraint reach_unreached_counted check (unreached >= 0)
);
insert into reach (outage_id, unreached)
select outage_id, count(*) filter (where released_at is null and served_at is null) from recipient group by outage_id;

create function count_added() returns trigger language plpgsql as $$
begin
    insert into planner.reach (outage_id, unreached) select distinct outage_id, 0 from added
    on conflict (outage_id) do nothing;
    update planner.reach r set unreached = r.unreached + n.more
    from (select outage_id, count(*) as more from added where released_at is null and served_at is null group by outage_id) n
    where r.outage_id = n.outage_id;
    return null;
end $$;
create trigger recipient_added after insert on recipient
    referencing new table as added for each statement execute function count_added();

create function count_changed() returns trigger language plpgsql as $$
begin
    update planner.reach r set unreached = r.unreached + n.more
    from (
        select outage_id, sum(more) as more from (
            select outage_id, 1 as more from now_is where released_at is null and served_at is null
            union all
            select outage_id, -1 from was where released_at is null and served_at is null
        ) c group by outage_id
    ) n
    where r.outage_id = n.outage_id and n.more <> 0;
    return null;
end $$;
create trigger recipient_changed after update on recipient
    referencing old table as was new table as now_is for each statement execute function count_changed();

create function count_removed() returns trigger language plpgsql as $$
begin
    update planner.reach r set unreached = r.unreached - n.less
    from (select outage_id, count(*) as less from removed where released_at is null and served_at is null group by outage_id) n
    where r.outage_id = n.outage_id;
    return null;
end $$;
create trigger recipient_removed after delete on recipient
    referencing old table as removed for each statement execute function count_removed();

-- Those who each need a notice of their own, an answer or an isolation: a few hundred of a hundred thousand.
create index recipient_required on recipient (outage_id)
    where released_at is null and (important or life_support or dedicated_line or own_generation);
