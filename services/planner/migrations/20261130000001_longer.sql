-- A later end than people were told: important and life-support customers are called about it (domain.md 5.2).
alter table call drop constraint call_purpose_word,
    add constraint call_purpose_word check (purpose in ('notice', 'late_start', 'extended', 'acknowledgement'));
-- Whom a person has to look after, of a hundred thousand affected.
create index recipient_vital on recipient (outage_id, customer_id) where released_at is null and (important or life_support);
