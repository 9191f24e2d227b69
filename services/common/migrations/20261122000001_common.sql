-- What every service needs inside its own schema to keep the promises of the outbox, the command memory,
-- leases, readers, timers, dead letters and the audit chain. Applied once per schema, with search_path set to it.

-- A command's reply, so that the same command sent again gets the same answer (purged after 7 days in batches).
create table command_seen (
    id uuid constraint command_seen_pk primary key,
    actor text not null,
    body_hash bytea not null constraint command_seen_hash_size check (length(body_hash) = 32),
    reply bytea not null,
    at timestamptz not null
);
create index command_seen_at on command_seen (at);

-- Facts to tell, written in the transaction of the fact. Range partitions by UUIDv7 are dropped after 7 days.
create table outbox (
    id uuid not null,
    partition_no smallint not null,
    -- Gapless per partition_no, given by the relay after commit; null until then.
    seq bigint,
    subject uuid not null,
    version bigint not null constraint outbox_version_positive check (version > 0),
    type text not null,
    org_path text not null,
    occurred_at timestamptz not null,
    traceparent text not null,
    cause text not null,
    data bytea not null,
    constraint outbox_pk primary key (id)
) partition by range (id);
create table outbox_default partition of outbox default;
create index outbox_unsent on outbox (partition_no, subject, version) where seq is null;
create index outbox_seq on outbox (partition_no, seq) where seq is not null;

create table outbox_head (
    partition_no smallint constraint outbox_head_pk primary key,
    seq bigint not null default 0,
    published bigint not null default 0,
    -- The smallest seq still kept.
    oldest bigint not null default 1
);
insert into outbox_head (partition_no) select generate_series(0, 3);

create table lease (
    name text constraint lease_pk primary key,
    holder uuid not null,
    -- Grows each time another holder takes over: a write with an old fence is refused.
    fence bigint not null,
    until timestamptz not null
);

-- How far this service has read the others, written in the transaction of the effect.
create table reader_position (
    source text not null,
    partition_no smallint not null,
    seq bigint not null default 0,
    -- Starts since the last progress: an entry that killed its reader three times is parked unread.
    stalls integer not null default 0,
    constraint reader_position_pk primary key (source, partition_no)
);

-- Events that could not be applied, and those of the same aggregate that wait behind them.
create table dead_letter (
    source text not null,
    partition_no smallint not null,
    seq bigint not null,
    subject text not null,
    type text not null,
    event bytea not null,
    reason text not null,
    parked_at timestamptz not null,
    -- Set by an operator: the reader applies it again.
    retry boolean not null default false,
    resolved_at timestamptz,
    constraint dead_letter_pk primary key (source, partition_no, seq)
);
create index dead_letter_open on dead_letter (source, subject) where resolved_at is null;

create table timer (
    kind text not null,
    subject uuid not null,
    due_at timestamptz not null,
    version bigint not null,
    attempts integer not null default 0,
    last_error text,
    constraint timer_pk primary key (kind, subject)
);
create index timer_due on timer (due_at);

-- Who did what. Rows are appended in the command's transaction without a hash, and chained by the sealer
-- (one at a time, under a lease), so that a chain does not make commands wait for one another.
create table audit (
    id uuid constraint audit_pk primary key,
    at timestamptz not null,
    actor text not null,
    action text not null,
    subject text not null,
    detail jsonb not null,
    n bigint constraint audit_n_unique unique,
    hash bytea
);
create index audit_unsealed on audit (id) where n is null;
create index audit_subject on audit (subject, at);

-- Partition upkeep runs as the owner: the service role has no DDL rights.
create function outbox_keep(ahead_days integer, keep_days integer) returns integer
language plpgsql security definer as $$
declare
    home text := quote_ident(tg.nspname) from pg_namespace tg join pg_class c on c.relnamespace = tg.oid
        where c.oid = 'outbox'::regclass;
    day date;
    part text;
    dropped integer := 0;
    lowest bigint;
begin
    for i in 0..ahead_days loop
        day := (now() at time zone 'UTC')::date + i;
        part := 'outbox_' || to_char(day, 'YYYYMMDD');
        if to_regclass(home || '.' || part) is null then
            begin
                execute format('create table %s.%I partition of %s.outbox for values from (%L) to (%L)', home, part, home,
                    outbox_day_floor(day), outbox_day_floor(day + 1));
            exception when check_violation then
                -- Rows of that day already lie in the default partition; they stay there.
                null;
            end;
        end if;
    end loop;
    for part in select c.relname from pg_inherits h join pg_class c on c.oid = h.inhrelid
        where h.inhparent = 'outbox'::regclass and c.relname ~ '^outbox_\d{8}$'
          and to_date(right(c.relname, 8), 'YYYYMMDD') < (now() at time zone 'UTC')::date - keep_days
    loop
        execute format('drop table %s.%I', home, part);
        dropped := dropped + 1;
    end loop;
    delete from outbox_default where seq is not null and id < outbox_day_floor((now() at time zone 'UTC')::date - keep_days);
    if dropped > 0 then
        update outbox_head h set oldest = coalesce((select min(o.seq) from outbox o where o.partition_no = h.partition_no and o.seq is not null), h.seq + 1);
    end if;
    return dropped;
end $$;

-- The smallest UUIDv7 of a UTC day: 48 bits of milliseconds since 1970, then zeros.
create function outbox_day_floor(day date) returns uuid language sql immutable as $$
    select (lpad(to_hex((extract(epoch from day::timestamp at time zone 'UTC') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;
