-- After an import the planner knows nothing of the new rows for up to a minute, and would read whole tables for a page of
-- one. Statistics are the owner's business, and the service role is not the owner.
create function refresh_statistics() returns void
language plpgsql security definer as $$
begin
    analyze customer;
    analyze service_point;
    analyze contact;
end $$;
do $$
begin
    execute format('alter function refresh_statistics() set search_path = %I, pg_temp', current_schema());
end $$;
revoke all on function refresh_statistics() from public;
