-- The thinned track of the crews: from it and the position stream every replica rebuilds its R-tree. Grows for ever, so
-- it is partitioned by day; the service role has no DDL rights, so the upkeep runs as the owner.

create table crew_position (
    crew_id uuid not null,
    at timestamptz not null,
    lon double precision not null constraint crew_position_lon_range check (lon between -180 and 180),
    lat double precision not null constraint crew_position_lat_range check (lat between -90 and 90),
    heading_deg double precision not null,
    constraint crew_position_pk primary key (crew_id, at)
) partition by range (at);
create table crew_position_default partition of crew_position default;

create function crew_position_keep(ahead_days integer, keep_days integer) returns integer
language plpgsql security definer as $$
declare
    home text := quote_ident(n.nspname) from pg_namespace n join pg_class c on c.relnamespace = n.oid
        where c.oid = 'crew_position'::regclass;
    day date;
    part text;
    dropped integer := 0;
begin
    for i in 0..ahead_days loop
        day := (now() at time zone 'UTC')::date + i;
        part := 'crew_position_' || to_char(day, 'YYYYMMDD');
        if to_regclass(home || '.' || part) is null then
            begin
                execute format('create table %s.%I partition of %s.crew_position for values from (%L) to (%L)', home, part,
                    home, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
            exception when check_violation then
                -- Positions of that day already lie in the default partition; they stay there.
                null;
            end;
        end if;
    end loop;
    for part in select c.relname from pg_inherits h join pg_class c on c.oid = h.inhrelid
        where h.inhparent = 'crew_position'::regclass and c.relname ~ '^crew_position_\d{8}$'
          and to_date(right(c.relname, 8), 'YYYYMMDD') < (now() at time zone 'UTC')::date - keep_days
    loop
        execute format('drop table %s.%I', home, part);
        dropped := dropped + 1;
    end loop;
    delete from crew_position_default where at < now() - make_interval(days => keep_days);
    return dropped;
end $$;
