-- Meters whose own relay is open now, so that one that stays open when its case has ended is told too (operations.md O17).
create table relay_open (
    load_id text constraint relay_open_pk primary key,
    -- The reading by which it opened.
    evidence_id uuid not null,
    -- Told of since it is unexplained; null: a case explains it, or does not any more since `unexplained_since`.
    told_at timestamptz,
    unexplained_since timestamptz
);
-- What the evidence says of now; what was told before stays told.
insert into relay_open (load_id, evidence_id, told_at)
select last.load_id, last.id, last.received_at from (
    select distinct on (load_id) load_id, id, kind, received_at from evidence
    where kind in ('relay_open', 'relay_closed', 'ping_on') and load_id is not null
    order by load_id, at desc, id desc) last
where last.kind = 'relay_open';
