-- Upkeep of the outbox that keeps what was never told, cannot be led astray by its caller's search_path (it runs with
-- the owner's rights), locks in the order of the relay, and gives up rather than make every command wait behind it.
create or replace function outbox_keep(ahead_days integer, keep_days integer) returns integer
language plpgsql security definer as $$
declare
    home text := current_schema();
    today date := (now() at time zone 'UTC')::date;
    oldest_kept uuid := outbox_day_floor((now() at time zone 'UTC')::date - keep_days);
    day date;
    part text;
    untold boolean;
    dropped integer := 0;
    deleted integer;
begin
    for i in 0..ahead_days loop
        day := today + i;
        part := 'outbox_' || to_char(day, 'YYYYMMDD');
        -- Rows of a day that already lie in the default partition stay there.
        if to_regclass(format('%I.%I', home, part)) is null and not exists (
            select 1 from outbox_default where id >= outbox_day_floor(day) and id < outbox_day_floor(day + 1)
        ) then
            execute format('create table %I.%I partition of %I.outbox for values from (%L) to (%L)', home, part, home,
                outbox_day_floor(day), outbox_day_floor(day + 1));
        end if;
    end loop;
    for part in select c.relname from pg_inherits h join pg_class c on c.oid = h.inhrelid
        where h.inhparent = 'outbox'::regclass and c.relname ~ '^outbox_\d{8}$'
          and to_date(right(c.relname, 8), 'YYYYMMDD') < today - keep_days
    loop
        -- The relay locks the heads before the outbox; the other way round would be a deadlock.
        perform 1 from outbox_head order by partition_no for update;
        execute format('select exists (select 1 from %I.%I o join outbox_head h using (partition_no)
            where o.seq is null or o.seq > h.published)', home, part) into untold;
        if untold then
            raise warning 'outbox partition % has events that were never told; it is kept', part;
        else
            execute format('drop table %I.%I', home, part);
            dropped := dropped + 1;
        end if;
    end loop;
    delete from outbox_default o using outbox_head h
        where h.partition_no = o.partition_no and o.seq <= h.published and o.id < oldest_kept;
    get diagnostics deleted = row_count;
    if dropped + deleted > 0 then
        update outbox_head h set oldest = coalesce(
            (select min(o.seq) from outbox o where o.partition_no = h.partition_no and o.seq is not null), h.seq + 1);
    end if;
    return dropped;
end $$;

do $$
begin
    execute format('alter function outbox_keep(integer, integer) set search_path = %I, pg_temp', current_schema());
end $$;
alter function outbox_keep(integer, integer) set lock_timeout = '2s';
revoke all on function outbox_keep(integer, integer) from public;

comment on column reader_position.stalls is 'Tries since the last progress that never ended: the process died in them.';
