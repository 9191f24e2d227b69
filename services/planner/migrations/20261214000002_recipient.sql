-- Who is added after the announcement needs the whole lead for themselves, also who needs nothing else of their own (domain.md 5.5
-- no. 11). Whom somebody calls before supply returns (operations.md O2) are not those with own generation alone: also those
-- supplied above 1 kV and those with several supplies. And a solar panel is no second supply.
alter table recipient
    add column own_lead boolean not null default false,
    add column several_supplies boolean not null default false,
    add column call_before boolean not null default false;
update recipient set call_before = true where own_generation or voltage_v > 1000;

-- Adds to the numbers of each outage what the statement changed: rows that came count 1, rows that went -1. A program before
-- this one says nothing of call_before: own generation counts whatever it says.
create or replace function count_recipients() returns trigger language plpgsql as $$
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
                coalesce(sum(n) filter (where (important or life_support) and settled_at is null), 0) as unacknowledged,
                coalesce(sum(n) filter (where own and late_told_at is not null), 0) as told_late_start,
                coalesce(sum(n) filter (where own_generation and isolated_at is null), 0) as backfeed_open,
                coalesce(sum(n) filter (where (own_generation or call_before) and told_at is null), 0) as backfeed_untold,
                coalesce(sum(n) filter (where important and not several_supplies), 0) as single_source
            from (select *, important or life_support or dedicated_line or own_generation or own_lead as own from (%1$s) c) c
            where released_at is null group by outage_id
        ) d
        where r.outage_id = d.outage_id
          and (d.unreached, d.required, d.served, d.late_joiners, d.unacknowledged, d.told_late_start, d.backfeed_open,
              d.backfeed_untold, d.single_source) <> (0, 0, 0, 0, 0, 0, 0, 0, 0) $count$, changed);
    return null;
end $$;

update reach r set backfeed_untold = d.untold, single_source = d.single
from (
    select outage_id, count(*) filter (where (own_generation or call_before) and told_at is null) as untold,
        count(*) filter (where important and not several_supplies) as single
    from recipient where released_at is null group by outage_id
) d
where r.outage_id = d.outage_id;

drop index recipient_required, recipient_served;
create index recipient_required on recipient (outage_id)
    where released_at is null and (important or life_support or dedicated_line or own_generation or own_lead);
create index recipient_served on recipient (outage_id, served_at)
    where served_at is not null and released_at is null and joined_at is null
        and (important or life_support or dedicated_line or own_generation or own_lead);

-- A notice on the board of a village or a stairway is proven by its photo. What was recorded before stays.
alter table evidence add constraint evidence_community_photo check (photo_sha256 is not null or channel <> 'community') not valid;
