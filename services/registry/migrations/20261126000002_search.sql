-- Customers are found by what somebody heard or typed: parts of names and addresses, Chinese and Latin, with mistakes. And
-- the supply nearest to a place. Both extensions are trusted ones: the owner of the database may create them.
do $$
declare
    elsewhere text := (select string_agg(format('%s in %s', e.extname, n.nspname), ', ')
        from pg_extension e join pg_namespace n on n.oid = e.extnamespace
        where e.extname in ('pg_trgm', 'cube') and n.nspname <> 'registry');
begin
    if elsewhere is not null then
        raise exception 'the extensions pg_trgm and cube belong into the schema registry, but there is %', elsewhere
            using hint = 'move them: alter extension NAME set schema registry';
    end if;
end $$;
create extension if not exists pg_trgm with schema registry;
create extension if not exists cube with schema registry;

-- Lower case, with every Chinese character a word of its own: trigrams then know single characters, so that two characters
-- are enough to find somebody and one wrong character does not hide them.
create function search_form(given text) returns text language sql immutable strict parallel safe as
$$ select pg_catalog.regexp_replace(pg_catalog.lower(given), '([\u3400-\u9fff\uf900-\ufaff])', ' \1 ', 'g') $$;

alter table customer add column search_name text generated always as (registry.search_form(name)) stored;
alter table service_point add column search_address text
    generated always as (registry.search_form(address_zh || ' / ' || address_en)) stored;
create index customer_search on customer using gin (search_name registry.gin_trgm_ops);
create index service_point_search on service_point using gin (search_address registry.gin_trgm_ops)
    where retired_at is null;

-- A place on the unit sphere: straight distances there are in the order of those along the ground, also across the date line
-- and at the poles.
create function on_sphere(lon double precision, lat double precision) returns registry.cube
language sql immutable strict parallel safe as
$$ select registry.cube(array[
    pg_catalog.cos(pg_catalog.radians(lat)) * pg_catalog.cos(pg_catalog.radians(lon)),
    pg_catalog.cos(pg_catalog.radians(lat)) * pg_catalog.sin(pg_catalog.radians(lon)),
    pg_catalog.sin(pg_catalog.radians(lat))]) $$;
create index service_point_place on service_point using gist (registry.on_sphere(lon, lat)) where retired_at is null;
