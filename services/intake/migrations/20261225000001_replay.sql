-- Any decision of the engine can be made again: with the evidence it had then, the network, the weights, and what people had said.

-- Passes of the worker are counted; what a pass takes in and decides has its number. Only the worker writes here.
create table pass (
    one boolean constraint pass_pk primary key constraint pass_one check (one),
    times bigint not null
);
insert into pass (one, times) values (true, 0);

-- Numbers of the engine that decisions were made with; the id is derived from the text.
create table weights (
    id uuid constraint weights_pk primary key,
    text text not null
);

alter table evidence
    -- The pass that fed it to the engine; none: not yet, never, or before passes were counted.
    add column weighed_in bigint,
    -- From this number of stirred.times on it is left out; none: it never counted.
    add column left_out_in bigint;

-- Where a corrected report hung before: until that number of stirred.times.
create table evidence_was (
    evidence_id uuid not null constraint evidence_was_fk references evidence (id) on delete cascade,
    until_stirred bigint not null,
    load_id text not null,
    constraint evidence_was_pk primary key (evidence_id, until_stirred)
);

alter table switching
    add column weighed_in bigint,
    -- A state may turn out to be partly a trip: what was taken as opened before, and since which pass.
    add column opened_before text[],
    add column weighed_before_in bigint;

alter table decision
    add column pass bigint,
    -- Of the engine in memory: the pass it was built in, and since when evidence was read then.
    add column built_in bigint,
    add column evidence_since timestamptz,
    -- What people had changed by then: stirred.times.
    add column stirred bigint,
    add column weights_id uuid constraint decision_weights_fk references weights (id),
    -- Which finding, and what people had named around it.
    add column basis jsonb,
    add constraint decision_made_from_whole check (basis is null or (pass is not null and built_in is not null
        and evidence_since is not null and stirred is not null and weights_id is not null and grid_version is not null));
create index decision_since on decision (evidence_since) where evidence_since is not null;
