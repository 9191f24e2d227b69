-- No plan is handed in before each alternative of its template has a reason why it does not do (operations.md O31). Which
-- those are is data of the program (forms/*.toml), so the plan carries them.
alter table outage add column must_consider text[] not null default '{}';
update outage set must_consider = case template when 'low_voltage' then '{live_work,generator_truck}'::text[]
    else '{live_work,transfer,generator_truck}'::text[] end;

-- A plan of a program before this carries none while both run: it holds one alternative at least.
create function outage_considered() returns trigger language plpgsql as $$
begin
    if not exists (select from planner.alternative where outage_id = new.id) or exists (
        select from unnest(new.must_consider) as must (kind)
        where not exists (select from planner.alternative a where a.outage_id = new.id and a.kind = must.kind)
    ) then
        raise exception 'an alternative was not considered'
            using errcode = 'integrity_constraint_violation', constraint = 'outage_considered';
    end if;
    return new;
end $$;
create trigger outage_considered before update on outage for each row
    when ((old.state = 'draft' and new.state not in ('draft', 'cancelled'))
        or (new.state <> 'draft' and old.must_consider <> '{}' and new.must_consider <> old.must_consider))
    execute function outage_considered();
-- Nor is one made that begins behind the draft.
create function outage_begins() returns trigger language plpgsql as $$
begin
    raise exception 'an outage begins as a draft' using errcode = 'integrity_constraint_violation', constraint = 'outage_begins';
end $$;
create trigger outage_begins before insert on outage for each row when (new.state <> 'draft') execute function outage_begins();

-- What was considered is not taken away from under a plan that was handed in.
create function alternative_stays() returns trigger language plpgsql as $$
begin
    if exists (select from planner.outage where id = old.outage_id and state <> 'draft') then
        raise exception 'what was considered stays with a plan that was handed in'
            using errcode = 'integrity_constraint_violation', constraint = 'alternative_stays';
    end if;
    return old;
end $$;
create trigger alternative_stays before delete on alternative for each row execute function alternative_stays();
