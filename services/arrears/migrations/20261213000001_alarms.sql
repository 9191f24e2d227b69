-- What the arrears desk has to look at, until somebody says that they have seen it; and which releases were read out, since
-- only a cut by such a one may be told later than it was done (operations.md O9, O10).

create table alarm (
    id uuid constraint alarm_pk primary key,
    case_id uuid not null constraint alarm_of_case references debt_case,
    number text not null,
    org_path text not null,
    level text not null,
    due_at timestamptz not null,
    raised_at timestamptz not null,
    -- Of a meter that was cut by mistake: its number, where the crew was sent, where the phone was.
    meter_no text not null default '',
    address_zh text not null default '',
    address_en text not null default '',
    lon double precision,
    lat double precision,
    acknowledged_at timestamptz,
    acknowledged_by text,
    constraint alarm_acknowledged check ((acknowledged_at is null) = (acknowledged_by is null))
);
create index alarm_open on alarm (id) where acknowledged_at is null;
create index alarm_by_case on alarm (case_id);

alter table release add column spoken boolean not null default false;
