-- Whom a confirmed fault keeps off follows the switching, whatever that was done for (domain.md 5.5 no. 13). Each switching is looked at
-- once, in its order: what was switched, what for, and who lost supply by it.
alter table switching add column followed boolean not null default false;
alter table switching add column device_id text not null default '';
alter table switching add column is_closed boolean not null default false;
alter table switching add column basis_id uuid;
alter table switching add column lost_set_id text;
-- What was switched before is history.
update switching set followed = true;
create index switching_unfollowed on switching (at, state_no) where not followed;

-- Set together: when the affected set last followed a switching, and the set of the confirmation it comes from.
alter table incident add column switched_at timestamptz;
alter table incident add column confirmed_set_id text;
alter table incident add constraint incident_switched_whole check ((switched_at is null) = (confirmed_set_id is null));
