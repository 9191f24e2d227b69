-- The interruption ledger. One arbiter says who is off, since when and why: `interruption_open` holds at most one
-- record per customer, whatever number of incidents would put that customer out. Closed records are kept for ever and
-- therefore partitioned by month of their beginning (the month an interruption is counted in).

-- What the ledger knows of one incident: the latest version of intake's state with what dispatch said about its order.
create table incident_view (
    incident_id uuid constraint incident_view_pk primary key,
    -- Version of intake's aggregate that was applied last; 0 while only known as the target of a merge.
    version bigint not null default 0 constraint incident_view_version check (version >= 0),
    number text not null default '',
    org_path text not null default '',
    -- IANA zone of the place.
    zone text not null default '',
    state text not null default 'open' constraint incident_view_state check (state in ('open', 'merged', 'closed')),
    merged_into uuid constraint incident_view_not_into_itself check (merged_into <> incident_id),
    confirmed boolean not null default false,
    -- The set whose members were applied; null before confirmation.
    affected_set_id uuid,
    off_at timestamptz,
    lon double precision,
    lat double precision,
    device_id text not null default '',
    device_kind text not null default '',
    -- Last word of the work order; empty before there is one.
    order_state text not null default '',
    cause_code text not null default '',
    etr_at timestamptz,
    customers_off integer not null default 0,
    customers_restored integer not null default 0,
    -- When the last one came back; null while anybody is off.
    restored_at timestamptz,
    -- Latest step that restored everybody: it also ends what the ledger hears of only later.
    all_restored_at timestamptz,
    -- When intake told that it is closed.
    closed_at timestamptz,
    -- Version of the ledger's own steps about this incident.
    ledger_version bigint not null default 0
);
create index incident_view_off on incident_view (incident_id) where customers_off > 0;
create index incident_view_restored on incident_view (restored_at) where restored_at is not null;
create index incident_view_merged on incident_view (merged_into) where merged_into is not null;
create index incident_view_unfinished on incident_view (closed_at) where state = 'closed' and customers_off > 0;

-- Who is off now.
create table interruption_open (
    customer_id uuid constraint interruption_open_pk primary key,
    id uuid not null constraint interruption_open_id unique,
    -- The incident that accounts for it now, and the one that opened it (they differ after a merge).
    incident_id uuid not null,
    origin_incident_id uuid not null,
    class text not null constraint interruption_open_class
        check (class in ('FAULT', 'PLANNED', 'TEMPORARY', 'CURTAILMENT', 'ARREARS', 'CUSTOMER_REQUEST')),
    off_at timestamptz not null,
    -- A record of the same customer ended here: this one may not begin earlier.
    not_before timestamptz,
    -- Latest report of this customer; null when nobody reported.
    reported_at timestamptz,
    opened_step_id uuid not null,
    constraint interruption_open_begins_after check (not_before is null or off_at >= not_before)
);
create index interruption_open_incident on interruption_open (incident_id, customer_id);
create index interruption_open_step on interruption_open (opened_step_id, customer_id);

-- A customer whom a second incident puts out too: counted once, and off until the last of them is restored.
create table interruption_waiting (
    customer_id uuid not null,
    incident_id uuid not null,
    origin_incident_id uuid not null,
    class text not null,
    off_at timestamptz not null,
    not_before timestamptz,
    reported_at timestamptz,
    -- Restored by this incident while another one still kept the customer off.
    on_at timestamptz,
    constraint interruption_waiting_pk primary key (customer_id, incident_id)
);
create index interruption_waiting_incident on interruption_waiting (incident_id, customer_id);

-- Closed records: one per customer and restoration step.
create table interruption (
    id uuid not null,
    customer_id uuid not null,
    incident_id uuid not null,
    origin_incident_id uuid not null,
    class text not null,
    off_at timestamptz not null,
    on_at timestamptz not null,
    reported boolean not null,
    opened_step_id uuid not null,
    closed_step_id uuid not null,
    -- The customer stayed off because of another incident: nobody is told "restored" by this record.
    continued boolean not null,
    constraint interruption_pk primary key (id, off_at),
    constraint interruption_order check (on_at >= off_at)
) partition by range (off_at);
create table interruption_default partition of interruption default;
create index interruption_customer on interruption (customer_id, off_at, id);
create index interruption_incident on interruption (incident_id, customer_id);
create index interruption_opened_step on interruption (opened_step_id, customer_id);
create index interruption_closed_step on interruption (closed_step_id, customer_id);

-- One change of the ledger that others are told about. Its members are the records that carry its id.
create table ledger_step (
    id uuid constraint ledger_step_pk primary key,
    incident_id uuid not null,
    kind text not null constraint ledger_step_kind check (kind in ('opened', 'closed', 'withdrawn', 'ended')),
    at timestamptz not null,
    customers integer not null
);
create index ledger_step_incident on ledger_step (incident_id, at);

-- Partitions are made by the owner: the service role has no DDL rights. Nothing is ever dropped.
create function interruption_keep(months_ahead integer) returns integer
language plpgsql security definer as $$
declare
    home text := quote_ident(n.nspname) from pg_namespace n join pg_class c on c.relnamespace = n.oid
        where c.oid = 'interruption'::regclass;
    month date;
    part text;
    made integer := 0;
begin
    for i in -1..months_ahead loop
        month := (date_trunc('month', now() at time zone 'UTC') + make_interval(months => i))::date;
        part := 'interruption_' || to_char(month, 'YYYYMM');
        if to_regclass(home || '.' || part) is null then
            begin
                execute format('create table %s.%I partition of %s.interruption for values from (%L) to (%L)', home, part, home,
                    month::timestamp at time zone 'UTC', (month + interval '1 month')::timestamp at time zone 'UTC');
                made := made + 1;
            exception when check_violation then
                -- Records of that month already lie in the default partition; they stay there.
                null;
            end;
        end if;
    end loop;
    return made;
end $$;
select interruption_keep(3);
