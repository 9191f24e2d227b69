-- Of a hundred thousand affected thousands need a notice of their own, and every proof that comes in, every page and every
-- gate asked how many of them have it. The schema counts that too, as it counts who is left to reach.
alter table reach
    -- Of those affected now who need something of their own: important, life support, dedicated line, own generation.
    add column required bigint not null default 0,
    add column served bigint not null default 0,
    add column late_joiners bigint not null default 0,
    add column unacknowledged bigint not null default 0,
    add column told_late_start bigint not null default 0,
    add column backfeed_open bigint not null default 0,
    add column backfeed_untold bigint not null default 0,
    -- Important customers without a second supply.
    add column single_source bigint not null default 0,
    add constraint reach_counted check (least(required, served, late_joiners, unacknowledged, told_late_start, backfeed_open,
        backfeed_untold, single_source) >= 0);

-- Adds to the numbers of each outage what the statement changed: rows that came count 1, rows that went -1.
create function count_recipients() returns trigger language plpgsql as $$
declare
    changed text := case tg_op
        when 'INSERT' then 'select 1 as n, a.* from added a'
        when 'DELETE' then 'select -1 as n, r.* from removed r'
        else 'select 1 as n, i.* from now_is i union all select -1, w.* from was w'
    end;
begin
    -- Executed as text: a plan made for one row would be kept for a hundred thousand.
    execute format($count$
        insert into planner.reach as r (outage_id, unreached) select outage_id, 0 from (%1$s) c group by outage_id
        on conflict (outage_id) do nothing $count$, changed);
    execute format($count$
        update planner.reach r set unreached = r.unreached + d.unreached, required = r.required + d.required,
            served = r.served + d.served, late_joiners = r.late_joiners + d.late_joiners,
            unacknowledged = r.unacknowledged + d.unacknowledged, told_late_start = r.told_late_start + d.told_late_start,
            backfeed_open = r.backfeed_open + d.backfeed_open, backfeed_untold = r.backfeed_untold + d.backfeed_untold,
            single_source = r.single_source + d.single_source
        from (
            select outage_id,
                coalesce(sum(n) filter (where served_at is null), 0) as unreached,
                coalesce(sum(n) filter (where own), 0) as required,
                coalesce(sum(n) filter (where own and served_at is not null), 0) as served,
                coalesce(sum(n) filter (where own and joined_at is not null), 0) as late_joiners,
                coalesce(sum(n) filter (where important and settled_at is null), 0) as unacknowledged,
                coalesce(sum(n) filter (where own and late_told_at is not null), 0) as told_late_start,
                coalesce(sum(n) filter (where own_generation and isolated_at is null), 0) as backfeed_open,
                coalesce(sum(n) filter (where own_generation and told_at is null), 0) as backfeed_untold,
                coalesce(sum(n) filter (where important and not own_generation), 0) as single_source
            from (select *, important or life_support or dedicated_line or own_generation as own from (%1$s) c) c
            where released_at is null group by outage_id
        ) d
        where r.outage_id = d.outage_id
          and (d.unreached, d.required, d.served, d.late_joiners, d.unacknowledged, d.told_late_start, d.backfeed_open,
              d.backfeed_untold, d.single_source) <> (0, 0, 0, 0, 0, 0, 0, 0, 0) $count$, changed);
    return null;
end $$;

drop trigger recipient_added on recipient;
drop trigger recipient_changed on recipient;
drop trigger recipient_removed on recipient;
drop function count_added(), count_changed(), count_removed();
create trigger recipient_added after insert on recipient
    referencing new table as added for each statement execute function count_recipients();
create trigger recipient_changed after update on recipient
    referencing old table as was new table as now_is for each statement execute function count_recipients();
create trigger recipient_removed after delete on recipient
    referencing old table as removed for each statement execute function count_recipients();

update reach r set required = d.required, served = d.served, late_joiners = d.late_joiners,
    unacknowledged = d.unacknowledged, told_late_start = d.told_late_start, backfeed_open = d.backfeed_open,
    backfeed_untold = d.backfeed_untold, single_source = d.single_source
from (
    select outage_id, count(*) as required, count(served_at) as served, count(joined_at) as late_joiners,
        count(*) filter (where important and settled_at is null) as unacknowledged,
        count(late_told_at) as told_late_start,
        count(*) filter (where own_generation and isolated_at is null) as backfeed_open,
        count(*) filter (where own_generation and told_at is null) as backfeed_untold,
        count(*) filter (where important and not own_generation) as single_source
    from recipient
    where released_at is null and (important or life_support or dedicated_line or own_generation) group by outage_id
) d
where r.outage_id = d.outage_id;

-- What a counter cannot say: who of them was told last, and with whom the present window is agreed.
create index recipient_served on recipient (outage_id, served_at)
    where served_at is not null and released_at is null and joined_at is null
        and (important or life_support or dedicated_line or own_generation);
create index recipient_dedicated on recipient (outage_id) where released_at is null and dedicated_line;

-- Each statement above writes to reach, whose key holds the outage: a key of every recipient's own asks the same again.
alter table recipient drop constraint recipient_of_outage;

-- The plans it collided with when it was compared, as above_count says how many customers were above a limit then.
alter table outage add column conflicts text[] not null default '{}';
