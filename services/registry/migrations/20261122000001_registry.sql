-- Who is supplied where and how they are reached, the network they hang on, and who loses supply when a device opens.
-- External ids and accounts are compared without case: the *_key columns hold the folded form (the importer's and the
-- grid's rule, which Postgres' lower() does not share for every letter).

create table customer (
    id uuid constraint customer_pk primary key,
    account text not null constraint customer_account_size check (length(account) between 1 and 64),
    account_key text not null constraint customer_account_unique unique,
    name text not null constraint customer_name_size check (length(name) between 1 and 100),
    language text not null constraint customer_language_word check (language in ('zh-CN', 'en')),
    class text not null constraint customer_class_word check (class in ('ordinary', 'important')),
    life_support boolean not null,
    dedicated_line boolean not null,
    -- Grows when the customer, one of their service points or contacts changes.
    version bigint not null default 1 constraint customer_version_positive check (version > 0)
);

-- A load of the network with an address.
create table service_point (
    id uuid constraint service_point_pk primary key,
    customer_id uuid not null constraint service_point_customer_fk references customer (id),
    external_id text not null constraint service_point_external_id_size check (length(external_id) between 1 and 100),
    external_key text not null constraint service_point_external_unique unique,
    bus text not null,
    phases text not null constraint service_point_phases_digits check (phases ~ '^[1-9]{1,8}$'),
    meter_no text not null constraint service_point_meter_no_size check (length(meter_no) <= 64),
    -- Nearest transformer above it in the normal state; null where there is none.
    transformer_id text,
    -- WGS84 degrees.
    lon double precision not null constraint service_point_lon_range check (lon between -180 and 180),
    lat double precision not null constraint service_point_lat_range check (lat between -90 and 90),
    area_class text not null constraint service_point_area_class_word check (area_class in ('urban', 'rural', 'remote')),
    -- IANA.
    zone text not null constraint service_point_zone_size check (length(zone) between 1 and 64),
    org_path text not null constraint service_point_org_path_form
        check (org_path ~ '^[a-z0-9_-]{1,32}(/[a-z0-9_-]{1,32}){0,5}$'),
    address_zh text not null constraint service_point_address_zh_size check (length(address_zh) <= 200),
    address_en text not null constraint service_point_address_en_size check (length(address_en) <= 200),
    own_generation text not null constraint service_point_own_generation_word
        check (own_generation in ('none', 'pv', 'storage', 'diesel', 'dual_supply')),
    in_service boolean not null,
    -- Since when it is in no pack any more; the row stays because records elsewhere name it.
    retired_at timestamptz
);
create index service_point_customer on service_point (customer_id);

-- A way to reach a customer. The value is sealed (XChaCha20-Poly1305: 24-byte nonce, then the ciphertext) and found by an
-- HMAC-SHA256 of its normalised form (E.164, lower-case mail).
create table contact (
    id uuid constraint contact_pk primary key,
    customer_id uuid not null constraint contact_customer_fk references customer (id),
    channel text not null constraint contact_channel_word check (channel in ('sms', 'email')),
    language text not null constraint contact_language_word check (language in ('zh-CN', 'en')),
    sealed bytea not null constraint contact_sealed_size check (length(sealed) between 41 and 400),
    -- Which key sealed it, and which key made the HMAC: they rotate separately.
    seal_key text not null,
    hmac bytea not null constraint contact_hmac_size check (length(hmac) = 32),
    hmac_key text not null,
    constraint contact_value_unique unique (customer_id, channel, hmac)
);
create index contact_hmac on contact (hmac);

-- One state of the network, in the pack's own form without names or addresses; the last one is the current one.
create table grid_version (
    id uuid constraint grid_version_pk primary key,
    n bigint generated always as identity constraint grid_version_n_unique unique,
    name text not null,
    sha256 bytea not null constraint grid_version_sha256_size check (length(sha256) = 32),
    buses integer not null,
    devices integer not null,
    loads integer not null,
    made_at timestamptz not null
);

-- The bytes of a version in pieces that fit one message.
create table grid_chunk (
    grid_version uuid not null constraint grid_chunk_version_fk references grid_version (id),
    n integer not null constraint grid_chunk_n_natural check (n >= 0),
    data bytea not null constraint grid_chunk_data_size check (length(data) between 1 and 262144),
    constraint grid_chunk_pk primary key (grid_version, n)
);
-- Already dense CSV text: compressing each piece costs more time than it saves.
alter table grid_chunk alter column data set storage external;

-- Who is without supply when these devices are open, on one grid version. Never changed: others store the id.
create table affected_set (
    id uuid constraint affected_set_pk primary key,
    grid_version uuid not null constraint affected_set_grid_version_fk references grid_version (id),
    -- Devices taken as open in the normal state of the network; empty when the service points were listed.
    device_ids text[] not null,
    within_set_id uuid constraint affected_set_within_fk references affected_set (id),
    count integer not null constraint affected_set_count_natural check (count >= 0),
    important integer not null,
    life_support integer not null,
    own_generation integer not null,
    -- Service points that lose some of their phases only; they are not members.
    partly_dead integer not null,
    lon double precision,
    lat double precision,
    area_class text constraint affected_set_area_class_word check (area_class in ('urban', 'rural', 'remote')),
    org_path text not null,
    zone text not null,
    made_at timestamptz not null
);

create table affected_set_member (
    set_id uuid not null constraint affected_set_member_set_fk references affected_set (id),
    service_point_id uuid not null constraint affected_set_member_point_fk references service_point (id),
    customer_id uuid not null constraint affected_set_member_customer_fk references customer (id),
    constraint affected_set_member_pk primary key (set_id, service_point_id)
);

create function affected_set_stays() returns trigger language plpgsql as $$
begin
    raise exception 'affected sets are immutable' using errcode = 'integrity_constraint_violation';
end $$;
create trigger affected_set_stays before update or delete on affected_set
    for each row execute function affected_set_stays();
create trigger affected_set_member_stays before update or delete on affected_set_member
    for each row execute function affected_set_stays();
