-- Who has to be told one by one is law: in China the listed classes, under the Australian rules everybody affected. The
-- policy pack says it; the outage keeps its words, and each recipient whether they are meant. What nobody said is everybody.
alter table outage add column individually text[] not null default '{all}';
update outage set individually = '{important,life_support,dedicated_line,own_generation}';

create function is_told_individually(
    classes text[], important boolean, life_support boolean, dedicated_line boolean, own_generation boolean
) returns boolean language sql immutable as $$
    select classes && array['all', case when important then 'important' end, case when life_support then 'life_support' end,
        case when dedicated_line then 'dedicated_line' end, case when own_generation then 'own_generation' end]
$$;

alter table recipient add column individually boolean not null default true;
update recipient set individually = false where not (important or life_support or dedicated_line or own_generation);

-- Adds to the numbers of each outage what the statement changed: rows that came count 1, rows that went -1.
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
            from (select *, individually or own_lead as own from (%1$s) c) c
            where released_at is null group by outage_id
        ) d
        where r.outage_id = d.outage_id
          and (d.unreached, d.required, d.served, d.late_joiners, d.unacknowledged, d.told_late_start, d.backfeed_open,
              d.backfeed_untold, d.single_source) <> (0, 0, 0, 0, 0, 0, 0, 0, 0) $count$, changed);
    return null;
end $$;

drop index recipient_required, recipient_served;
create index recipient_required on recipient (outage_id) where released_at is null and (individually or own_lead);
create index recipient_served on recipient (outage_id, served_at)
    where served_at is not null and released_at is null and joined_at is null
        and (individually or own_lead);
