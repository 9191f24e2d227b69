-- What a plan holds beside its window (operations.md O31): its template, what was considered instead of switching off, and
-- the word of each department with the times of each leg. Which of them a template asks for is data of the program.
alter table outage add column template text not null default 'high_voltage'
    constraint outage_template_word check (template in ('high_voltage', 'low_voltage'));

create table alternative (
    outage_id uuid not null constraint alternative_of_outage references outage,
    kind text not null constraint alternative_kind_form check (kind ~ '^[a-z_]{1,40}$'),
    -- Used for a part of the customers; otherwise it does not do.
    used boolean not null,
    reason text not null constraint alternative_reason_size check (length(reason) between 1 and 500),
    considered_by text not null,
    considered_at timestamptz not null,
    constraint alternative_pk primary key (outage_id, kind)
);

create table countersign (
    outage_id uuid not null constraint countersign_of_outage references outage,
    -- A plan that was moved is signed anew.
    plan_no integer not null,
    department text not null constraint countersign_department_form check (department ~ '^[a-z_]{1,40}$'),
    -- One more after each refusal.
    round integer not null constraint countersign_round_positive check (round > 0),
    sent_at timestamptz not null,
    sent_by text not null,
    received_at timestamptz,
    received_by text,
    signed_at timestamptz,
    signed_by text,
    verdict text constraint countersign_verdict_word check (verdict in ('agreed', 'refused')),
    reason text not null default '' constraint countersign_reason_size check (length(reason) <= 500),
    constraint countersign_pk primary key (outage_id, plan_no, department, round),
    constraint countersign_received check ((received_at is null) = (received_by is null)),
    constraint countersign_signed check ((signed_at is null) = (signed_by is null) and (signed_at is null) = (verdict is null)),
    constraint countersign_order check (signed_at is null or received_at is not null),
    constraint countersign_refused_why check (verdict is distinct from 'refused' or reason <> '')
);
create function countersign_stays() returns trigger language plpgsql as $$
begin
    raise exception 'what a department signed is never changed' using errcode = 'integrity_constraint_violation';
end $$;
create trigger countersign_stays before update or delete on countersign
    for each row when (old.signed_at is not null) execute function countersign_stays();

-- Nothing is approved or announced while a department that was asked is silent or refuses, nor when none was asked. Plans
-- that were approved before this are signed before they are announced.
create function outage_countersigned() returns trigger language plpgsql as $$
begin
    if not exists (select from planner.countersign where outage_id = new.id and plan_no = new.plan_no) or exists (
        select from (
            select distinct on (department) verdict from planner.countersign
            where outage_id = new.id and plan_no = new.plan_no order by department, round desc
        ) latest where verdict is distinct from 'agreed'
    ) then
        raise exception 'a countersign is missing or refused'
            using errcode = 'integrity_constraint_violation', constraint = 'outage_countersigned';
    end if;
    return new;
end $$;
create trigger outage_countersigned before update on outage for each row
    when ((new.state = 'approved' and old.state in ('draft', 'submitted', 'balanced', 'negotiating'))
        or (new.announced_at is not null and old.announced_at is null))
    execute function outage_countersigned();
