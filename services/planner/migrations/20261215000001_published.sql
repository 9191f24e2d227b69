-- What people were told stays: each announcement as it went out, who wrote it, who else read it, and by which version of the law.
create table published (
    outage_id uuid not null constraint published_of_outage references outage,
    plan_no integer not null,
    class text not null,
    off_at timestamptz not null,
    on_at timestamptz not null,
    area_zh text not null,
    area_en text not null,
    line text not null,
    reason_zh text not null,
    reason_en text not null,
    written_by text not null,
    -- Content is read by somebody else than who wrote it, whatever a program does.
    approved_by text not null,
    announced_by text not null,
    published_at timestamptz not null,
    -- Empty: not known.
    pack_version text not null,
    constraint published_pk primary key (outage_id, plan_no),
    constraint published_read_by_another check (approved_by <> written_by)
);
create function published_stays() returns trigger language plpgsql as $$
begin
    raise exception 'an announcement is never changed' using errcode = 'integrity_constraint_violation';
end $$;
create trigger published_stays before update or delete on published for each row execute function published_stays();

-- What is out already, as it stands.
insert into published (outage_id, plan_no, class, off_at, on_at, area_zh, area_en, line, reason_zh, reason_en, written_by,
    approved_by, announced_by, published_at, pack_version)
select id, plan_no, class, off_at, on_at, area_zh, area_en, line, reason_zh, reason_en, author, approver, '', announced_at, ''
from outage where announced_at is not null and approver is not null;

-- A switching that was written down and entered later is recorded as it was, also outside its permit, and marked so. Never before
-- the permit.
alter table outage add column outside_permit boolean not null default false;
alter table outage drop constraint outage_permitted;
alter table outage add constraint outage_permitted check (switched_off_at is null
    or (permit_at is not null and switched_off_at >= permit_at
        and (outside_permit or (switched_off_at <= permit_at + interval '5 minutes' and switched_off_at >= off_at))));
