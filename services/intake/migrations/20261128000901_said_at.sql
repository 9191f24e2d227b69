-- A later word of somebody who was asked replaces the earlier one, so the moment of the last is kept. Several customers may share one
-- number: it is asked once, and those it was not asked for are not silent.

alter table asked
    add column person_at timestamptz,
    add column same_number boolean not null default false;
update asked set person_at = asked_at where person_has_supply is not null;
alter table asked add constraint asked_person_whole check ((person_has_supply is null) = (person_at is null));
